"""Secrets taken out of text before it enters a prompt, a log or a summary.

Formats are those that their issuers document, beside private keys, and what is assigned to a name
that speaks of a secret and looks random. A false find costs a model one literal; so a short or
wordy value, as tests use them, is left alone.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

_LEAST_RANDOM = 3.2
"""Bits per character of a value that looks random; English words have less."""
_SHORTEST_VALUE = 8
"""Characters of a variable's value that is taken for a secret."""

# Kind, texts of which one must occur (a quick look), and the form.
_FORMATS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "private key",
        ("PRIVATE KEY",),
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[^-]{0,20000}"
        r"(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    ("AWS key id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\bA(?:KI|SI|BI|CC)A[A-Z2-7]{16}\b"),
    ("GitHub token", ("gh",), r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    ("GitHub token", ("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{40,}\b"),
    ("GitLab token", ("gl",), r"\bgl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_-]{20,}"),
    ("Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("Slack address", ("hooks.slack",), r"https://hooks\.slack\.com/services/[A-Za-z0-9/+]{40,}"),
    ("Stripe key", ("k_live_", "k_test_"), r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("API key", ("sk-",), r"\bsk-(?:proj-|svcacct-|ant-[a-z0-9]+-|or-v1-)?[A-Za-z0-9_-]{32,}"),
    ("Google key", ("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    ("Google token", ("ya29.",), r"\bya29\.[A-Za-z0-9_-]{20,}"),
    ("Google secret", ("GOCSPX-",), r"\bGOCSPX-[\w-]{28}"),
    ("npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", ("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("DigitalOcean token", ("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("SendGrid key", ("SG.",), r"\bSG\.[\w-]{22}\.[\w-]{43}"),
    ("Twilio key", ("SK",), r"\bSK[0-9a-f]{32}\b"),
    ("Telegram token", (":AA",), r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("Azure key", ("AccountKey=",), r"(?<=AccountKey=)[A-Za-z0-9+/=]{60,}"),
    ("Databricks token", ("dapi",), r"\bdapi[0-9a-f]{32}\b"),
    ("age key", ("AGE-SECRET-KEY",), r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("web token", (".eyJ",), r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)
_KNOWN = tuple((kind, cues, re.compile(form)) for kind, cues, form in _FORMATS)
_NAMED = re.compile(
    r"""(?mx)
    (?: (?i:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|
        auth[_-]?key|credential) [\w-]* ["']? \s* (?:=|:|=>) \s* [rbf]? ["']
      | ^ (?:\$[ ])? (?:export[ ])? [A-Z0-9_]* (?:SECRET|TOKEN|PASSWORD|API_KEY|ACCESS_KEY|
        PRIVATE_KEY) [A-Z0-9_]* = ["']?
      | (?i:authorization) ["']? \s* [:=] \s* ["']? (?i:bearer|basic|token) [ ]+
      | ://[^\s/:@"']{1,100}: (?=[^\s/@"']{8,200}@) )
    (?P<value> [^\s"'@,;)\]}>]{8,500} )"""
)
_NAMED_CUES = re.compile(r"(?i)passw|passphrase|secret|token|[_-]?key|credential|authoriz|://")
_SECRET_NAMES = re.compile(r"(?i)secret|token|passw|api_?key|access_?key|private_?key|credential")


def redact(text: str) -> str:
    """`text` with every secret replaced by its kind in brackets."""
    if len(text) < _SHORTEST_VALUE:
        return text  # most of what a record holds: names, numbers, verdicts
    for kind, cues, form in _KNOWN:
        if _occurs(cues, text):
            text = form.sub(f"[redacted: {kind}]", text)
    if _NAMED_CUES.search(text):
        text = _NAMED.sub(_by_name, text)
    own = _own_secrets()
    return own.sub("[redacted: variable]", text) if own else text


def _occurs(cues: tuple[str, ...], text: str) -> bool:
    # Not `any` of a generator, which took most of the time that a record took.
    for cue in cues:  # noqa: SIM110
        if cue in text:
            return True
    return False


def redact_values(value: Any, keep: Collection[str] = ()) -> Any:
    """`value` with `redact` applied to every string in it, but not to what stands under `keep`."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            key: inner if key in keep else redact_values(inner, keep)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact_values(inner, keep) for inner in value]
    return value


def _by_name(match: re.Match[str]) -> str:
    value = match["value"]
    if not _looks_random(value):
        return match[0]
    start = match.start("value") - match.start()
    return f"{match[0][:start]}[redacted: secret]"


def _looks_random(value: str) -> bool:
    """Letters and digits mixed without pattern; not a call, a name or an expression."""
    if len(value) < 16 and not _has_three_kinds(value):
        return False
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value) or "(" in value:
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= min(_LEAST_RANDOM, math.log2(len(value)) * 0.85)


def _has_three_kinds(value: str) -> bool:
    """Upper and lower case and digits, as generated passwords have."""
    return all(re.search(kind, value) for kind in ("[A-Z]", "[a-z]", r"\d"))


@cache
def _own_secrets() -> re.Pattern[str] | None:
    """What this process's own environment holds, wherever it turns up; looked at once."""
    values = {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST_VALUE and _SECRET_NAMES.search(name)
    }
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if values else None
