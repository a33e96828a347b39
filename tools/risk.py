"""Signs that text of a repository tries to steer a model, and secrets that it holds.

Signals are hints for people and for the policy, never the boundary: whoever words it otherwise is
not seen here, and is held by the gateway, the copy and the sandbox all the same. So the phrases
are few and plain, chosen to stay silent on ordinary code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tools.redaction import redact
from tools.text import one_line, strip_control

_EXCERPT = 100


class Kind(StrEnum):
    INSTRUCTION = "an instruction to a model"
    FAKE_CALL = "a forged tool call or chat message"
    FAKE_APPROVAL = "a forged approval"
    HIDDEN_COMMENT = "a hidden comment for a model"
    INVISIBLE = "invisible characters"
    DIRECTION = "characters that reorder text"
    CONTROL = "terminal control sequences"


@dataclass(frozen=True)
class Signal:
    """One thing found in a text."""

    kind: Kind
    excerpt: str
    """Where it stands, printable, without secrets."""
    high: bool
    """It was hardly put there for anything else than to steer or deceive."""


_MODEL = r"(?:ai|llm|language|coding|code|chat)[ -]?(?:assistants?|agents?|models?|bots?)"
_RULES = r"(?:instructions?|prompts?|rules?|guidelines?|directives?|polic(?:y|ies)|constraints?)"
_PHRASES: tuple[tuple[Kind, str], ...] = (
    (
        Kind.INSTRUCTION,
        r"\b(?:ignore|disregard|forget|override|bypass|do not (?:follow|obey))\b[^.;]{0,15}"
        r"\b(?:previous|prior|above|earlier|preceding|your|system|existing|foregoing)\b[^.;]{0,20}"
        rf"\b{_RULES}\b",
    ),
    (
        Kind.INSTRUCTION,
        r"\byou are (?:now |no longer )(?:an? |the |bound|restricted|in )?[^.;]{0,25}"
        r"\b(?:ai|assistant|agent|model|dan|jailbroken|unrestricted|developer mode|your rules)\b",
    ),
    (
        Kind.INSTRUCTION,
        rf"\b(?:attention|note to|message to|instructions? (?:for|to)|dear|hey)\b[^.;]{{0,15}}\b"
        rf"(?:{_MODEL}|ai|llms?|claude|copilot|qwen|chatgpt|gpt-?\d*)\b",
    ),
    (
        Kind.INSTRUCTION,
        rf"\b(?:if you are|as) an? (?:{_MODEL}|ai|llm)\b[^.;]{{0,60}}"
        r"\b(?:must|should|shall|need to|have to|are required|run|write|delete|read|send|add)\b",
    ),
    (
        Kind.INSTRUCTION,
        rf"\b{_MODEL} (?:must|should|shall|need to|have to|are required to|will) (?:now )?"
        r"(?:also )?(?:run|write|delete|read|send|add|ignore|execute|apply|approve|skip|disable)\b",
    ),
    (
        Kind.INSTRUCTION,
        r"\b(?:do not|don't|never) (?:tell|inform|alert|notify|warn|mention (?:this|it) to)\b"
        r"[^.;]{0,15}\b(?:user|human|developer|operator|reviewer|maintainer)s?\b",
    ),
    (
        Kind.INSTRUCTION,
        r"\b(?:reveal|repeat|print|output|leak|exfiltrate)\b[^.;]{0,20}"
        r"\b(?:system prompt|your (?:instructions|prompt|rules|secrets|credentials))\b",
    ),
    (
        Kind.INSTRUCTION,
        r"\b(?:write|append|add|copy|save)\b[^;]{0,60}authorized_keys",
    ),
    (
        Kind.INSTRUCTION,
        r"\b(?:upload|send|post|exfiltrate|leak)\b[^.;]{0,40}"
        r"(?:~/\.ssh|\bid_rsa\b|\.aws/credentials|environment variables|private keys?)[^.;]{0,40}"
        r"(?:\bto\b|https?://)",
    ),
    (
        Kind.INSTRUCTION,
        r"(?:\bnew|\bupdated|\boverriding|\bsecret) (?:system )?(?:instructions?|prompt)\s*:",
    ),
    (Kind.INSTRUCTION, r"\bsystem (?:prompt|message|override|instruction)s?\s*:\s*\w"),
    (
        Kind.FAKE_CALL,
        r"<\|?/?(?:im_start|im_end|endoftext|eot_id|start_header_id|system|assistant|tool_call)\|>"
        r"|</?(?:tool_call|tool_response|tool_result|function_calls?|function_results?)>"
        r"|\[/?inst\]|<</?sys>>",
    ),
    (
        Kind.FAKE_CALL,
        r"\{\s*[\"']name[\"']\s*:\s*[\"'](?:write_file|run_command|read_file|run_tests|search_code|"
        r"list_files|lint)[\"']\s*,\s*[\"'](?:arguments|parameters)[\"']\s*:",
    ),
    (
        Kind.FAKE_APPROVAL,
        r"\b(?:user|human|developer|operator|owner|maintainer)s? (?:has |have )?(?:already )?"
        r"(?:approved|authori[sz]ed|granted|confirmed)\b[^.;]{0,20}"
        r"\b(?:changes?|patch(?:es)?|edits?|actions?|commands?|tool calls?|writes?|permissions?)\b",
    ),
    (
        Kind.FAKE_APPROVAL,
        r"\b(?:apply|approve|accept|merge|push|commit)\b[^.;]{0,30}\bwithout\b[^.;]{0,12}"
        r"\b(?:asking|telling|approval (?:of|from)|confirmation (?:of|from)|review by)\b[^.;]{0,6}"
        r"\b(?:user|human|developer|owner|maintainer|anyone)",
    ),
    (Kind.FAKE_APPROVAL, r"apply this patch\?\s*\[y/n\]"),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PHRASES)
# One cheap look: a text with none of these words can match none of the phrases.
_CUES = re.compile(
    r"ignore|disregard|forget|override|bypass|do not|don't|never |you are|attention|note to|"
    r"message to|instruction|dear|hey|as an?|must|should|shall|need to|have to|required|will |"
    r"reveal|repeat|output|leak|exfil|authorized_keys|ssh|id_rsa|creden|"
    r"private key|prompt|system|im_|tool|inst\]|<<|\"name\"|'name'|assistant|approved|authori|"
    r"granted|confirmed|without|apply this|<!--"
)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_FOR_A_MODEL = re.compile(rf"\b(?:{_MODEL}|ai|llms?|system prompt|ignore|instructions?)\b")
# Letters written in tag characters or variation selectors; the flags of England, Scotland and
# Wales are written so too, behind a black flag.
_TAGS = re.compile(
    "(?:^|[^\U0001f3f4\U000e0000-\U000e007f])[\U000e0000-\U000e007f]{4}|[\U000e0100-\U000e01ef]{4}"
)
_ZERO_WIDTH = re.compile("[\u200b\u2060-\u2064\u180e\u00ad\u3164\uffa0]+|(?<!^)\ufeff+")
_MANY_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{4,}")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile("[\u200e\u200f\u061c]")
_SEQUENCE = re.compile("\x1b[\\]P_^X]|[\x90\x9d\x9e\x9f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CHARACTERS = (
    (Kind.INVISIBLE, _TAGS, True),
    (Kind.INVISIBLE, _MANY_ZERO_WIDTH, True),
    (Kind.INVISIBLE, _ZERO_WIDTH, False),
    (Kind.DIRECTION, _OVERRIDES, True),
    (Kind.DIRECTION, _MARKS, False),
    (Kind.CONTROL, _SEQUENCE, True),
    (Kind.CONTROL, _CONTROL, False),
)
_ODD = re.compile("[^\t\n\r\f -~]")
_BREAKS = re.compile(r"\s*\n\s*(?:#+|//+|\*+|--|;+|>+|\"\"\"|\'\'\')?\s*|[ \t]{2,}")


def signals(text: str) -> tuple[Signal, ...]:
    """What in `text` looks like an attempt to steer a model or to hide from a reader."""
    return tuple(_found(text))


def _found(text: str) -> Iterator[Signal]:
    if _ODD.search(text):
        for kind, pattern, high in _CHARACTERS:
            if match := pattern.search(text):
                yield Signal(kind, _excerpt(text, match.start()), high)
    plain = _plain(text)
    if not _CUES.search(plain):
        return
    for kind, pattern in _COMPILED:
        if match := pattern.search(plain):
            yield Signal(kind, _excerpt(plain, match.start()), high=True)
    for match in _COMMENT.finditer(plain):
        if _FOR_A_MODEL.search(match[1]):
            yield Signal(Kind.HIDDEN_COMMENT, _excerpt(plain, match.start()), high=False)
            return


def _plain(text: str) -> str:
    """As a model understands it: forms folded, nothing hidden, sentences on one line.

    The words of one sentence may stand on several lines of a comment.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _BREAKS.sub(" ", strip_control(text).casefold().replace("’", "'"))


def _excerpt(text: str, start: int) -> str:
    return redact(one_line(text[max(0, start - 20) : start + _EXCERPT], _EXCERPT))


class Watch:
    """Looks at every text on its way to a model; safe to call from several threads."""

    def __init__(self, on_signal: Callable[[Signal], None]) -> None:
        """`on_signal` hears of the first signal of each kind and weight."""
        self._on_signal = on_signal
        self._heard: set[tuple[Kind, bool]] = set()
        self._seen: set[int] = set()

    def look(self, text: str) -> None:
        """Tell of what is found in `text`; one that was looked at before costs nothing."""
        key = hash(text)
        if key in self._seen:
            return
        self._seen.add(key)
        for signal in signals(text):
            weight = (signal.kind, signal.high)
            if weight not in self._heard:
                self._heard.add(weight)
                self._on_signal(signal)

    def admit(self, text: str) -> str:
        """`text` as it may enter a prompt: looked at, and without secrets."""
        self.look(text)
        return redact(text)
