"""Answers that follow a JSON Schema or a grammar, by way of llguidance.

llama.cpp's own grammars end the process when they are given certain input; llguidance gives an
error, and its parser has limits of work for each token. A token is sampled first and only
checked; the mask over the whole vocabulary is computed when the check fails.
"""

import json
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer
from llguidance.gbnf_to_lark import gbnf_to_lark

from runtime.engine_api import BadGrammar, Constraint, EngineError

MOST_CHARACTERS = 64 * 1024
# Parsers of nested text recurse; deeper than this nobody means it.
MOST_DEPTH = 64
_OPENERS, _CLOSERS = "([{", ")]}"


class GuideVocabulary:
    """The tokens of a model as llguidance wants them."""

    is_tokenizer_wrapper = True
    bos_token_id: int | None = None

    def __init__(
        self, tokens: Sequence[bytes], special: Sequence[int], ends: Sequence[int]
    ) -> None:
        """``ends``: the control tokens that end an answer; at least one."""
        self.tokens = tokens
        self.special_token_ids = special
        self.eos_token_id = ends[0]
        self.ends = list(ends)
        self._ids = {piece: token for token, piece in reversed(list(enumerate(tokens))) if piece}

    def __call__(self, text: str | bytes) -> list[int]:
        """Only for tokens that a grammar leaves no choice about; bytes are tokens of their own."""
        data = text if isinstance(text, bytes) else text.encode()
        return [self._ids[bytes([byte])] for byte in data if bytes([byte]) in self._ids]


class Guide:
    """Follows one answer; made by ``Guides.start``."""

    def __init__(self, matcher: LLMatcher, ends: Sequence[int]) -> None:
        self._matcher = matcher
        self._ends = frozenset(ends)

    @property
    def finished(self) -> bool:
        """Whether nothing may follow any more."""
        return bool(self._matcher.is_stopped())

    def copy(self) -> "Guide":
        """For another sample of the same request."""
        return Guide(self._matcher.deep_copy(), tuple(self._ends))

    def allows(self, token: int) -> bool:
        """Whether the token may come next."""
        if token in self._ends:
            return bool(self._matcher.is_accepting())
        return self._matcher.validate_tokens([token]) == 1

    def mask(self, size: int) -> npt.NDArray[np.bool_]:
        """Which of ``size`` tokens may come next; raises EngineError if the grammar is stuck."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        allowed = np.zeros(size, dtype=np.bool_)
        given = np.unpackbits(bits, bitorder="little")[:size].astype(np.bool_)
        allowed[: len(given)] = given
        if not allowed.any():
            raise EngineError("the grammar leaves no token to go on with")
        return allowed

    def accept(self, token: int) -> None:
        """The token was taken."""
        if token not in self._ends:
            self._matcher.consume_token(token)
            self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise EngineError(f"the grammar cannot be followed: {_first_line(self._matcher)}")


class GuideVocabularySource(Protocol):
    """Whoever can list its tokens."""

    def guide_vocabulary(self) -> GuideVocabulary:
        """All tokens in their order."""


class Guides:
    """Compiles constraints for one vocabulary, which is prepared when it is first needed."""

    def __init__(self, vocabulary: GuideVocabularySource) -> None:
        self._source = vocabulary
        self._lock = threading.Lock()
        self._tokenizer: LLTokenizer | None = None
        self._ends: Sequence[int] = ()

    def start(self, constraint: Constraint) -> Guide:
        """Raises BadGrammar with what is wrong; safe from any thread."""
        _refuse_extremes(constraint.text)
        grammar = _grammar(constraint)
        matcher = LLMatcher(self._prepared(), grammar, log_level=0)
        if not matcher.is_error():
            matcher.compute_bitmask()  # finds out whether there is any answer at all
        if matcher.is_error():
            raise BadGrammar(f"the {_NAMES[constraint.kind]} is not usable: {_first_line(matcher)}")
        return Guide(matcher, self._ends)

    def _prepared(self) -> LLTokenizer:
        with self._lock:
            if self._tokenizer is None:
                vocabulary = self._source.guide_vocabulary()
                self._ends = vocabulary.ends
                self._tokenizer = LLTokenizer(
                    vocabulary,  # type: ignore[arg-type]  # it only has to look like the wrapper
                    eos_token=vocabulary.ends,
                )
            return self._tokenizer


# Where blanks are free, small models write them until the tokens run out.
_LAYOUT: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}
_NAMES = {"json_schema": "JSON Schema", "gbnf": "grammar"}


def _grammar(constraint: Constraint) -> str:
    try:
        if constraint.kind == "json_schema":
            schema = json.loads(constraint.text)
            if not isinstance(schema, dict | bool):
                raise BadGrammar("a JSON Schema is an object")
            return str(LLMatcher.grammar_from_json_schema(constraint.text, overrides=_LAYOUT))
        return str(LLMatcher.grammar_from_lark(gbnf_to_lark(constraint.text)))
    except BadGrammar:
        raise
    except Exception as error:  # the reader of GBNF raises nothing more special
        name = _NAMES[constraint.kind]
        raise BadGrammar(f"the {name} cannot be read: {_sentence(str(error))}") from error


def _refuse_extremes(text: str) -> None:
    """Keep from the parsers what only serves to exhaust them."""
    if len(text) > MOST_CHARACTERS:
        raise BadGrammar(f"the schema or grammar has more than {MOST_CHARACTERS} characters")
    depth = deepest = 0
    for letter in text:
        depth += (letter in _OPENERS) - (letter in _CLOSERS)
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise BadGrammar(f"the schema or grammar is nested more than {MOST_DEPTH} deep")


def _first_line(matcher: LLMatcher) -> str:
    return _sentence(str(matcher.get_error()))


def _sentence(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no reason was given"
