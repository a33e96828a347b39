"""JSON as small models write it, and which JSON values are tool calls.

Tolerated: single quotes, Python's ``True``/``False``/``None``, trailing commas, raw newlines in
strings, missing closing brackets at the very end, arguments given as a JSON string. Nothing is
guessed: what is not a call of a declared tool with an object as arguments is not a call.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

_CLOSING = {"{": "}", "[": "]"}
_NAME_KEYS = ("name", "function", "tool")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
_OTHER_KEYS = ("id", "type", "index")
_LIST_KEY = "tool_calls"
_CALL_KEYS = frozenset((*_NAME_KEYS, *_ARGUMENT_KEYS, *_OTHER_KEYS))
FIRST_KEYS = _CALL_KEYS | {_LIST_KEY}
_WORDS = {"True": "true", "False": "false", "None": "null"}


@dataclass(frozen=True)
class Call:
    """A tool call found in text; ``arguments`` is the text of a JSON object."""

    name: str
    arguments: str


class ValueScanner:
    """Follows one JSON object or array, character by character, to its closing bracket."""

    def __init__(self) -> None:
        self.in_string = False
        self._quotes = ""
        self._quote = ""
        self._escaped = False
        self._stack: list[str] = []

    @property
    def balanced(self) -> bool:
        """Whether every bracket that was opened is closed."""
        return not self._stack

    @property
    def missing(self) -> str:
        """The brackets that would close the value."""
        return "".join(_CLOSING[bracket] for bracket in reversed(self._stack))

    def feed(self, letter: str) -> bool:
        """Take the next character; False if no JSON value goes on like this."""
        if self.in_string:
            self._in_string(letter)
            return True
        if letter in "\"'":
            # The first quote decides: with double quotes an apostrophe is an ordinary letter.
            self._quotes = self._quotes or ('"' if letter == '"' else "\"'")
            if letter in self._quotes:
                self.in_string, self._quote = True, letter
            return letter in self._quotes
        if letter in _CLOSING:
            self._stack.append(letter)
        elif letter in "}]":
            return bool(self._stack) and _CLOSING[self._stack.pop()] == letter
        return True

    def _in_string(self, letter: str) -> None:
        if self._escaped:
            self._escaped = False
        elif letter == "\\":
            self._escaped = True
        elif letter == self._quote:
            self.in_string = False


def parse(text: str) -> Any:
    """The value in tolerant JSON; raises ValueError."""
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        pass
    try:
        return json.loads(_standard(text), strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def calls_in(value: Any, tools: Collection[str], *, lenient: bool = False) -> list[Call]:
    """The calls that a JSON value states; empty if anything in it is not a call.

    ``lenient``: arguments may be left out, because the text around says that it is a call.
    """
    if isinstance(value, dict) and set(value) == {_LIST_KEY}:
        value = value[_LIST_KEY]
    found: list[Call] = []
    for item in value if isinstance(value, list) else [value]:
        call = _call(item, tools, lenient)
        if call is None:
            return []
        found.append(call)
    return found


def arguments_text(value: Any) -> str | None:
    """JSON text of an object, also if it was given as a string; None for anything else."""
    if isinstance(value, str):
        try:
            value = parse(value)
        except ValueError:
            return None
    if not isinstance(value, dict):
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        # Infinity and NaN are no JSON, though Python reads them.
        return None
    # Half of a surrogate pair can be escaped in JSON but not be encoded.
    return text if _encodable(text) else json.dumps(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _call(item: Any, tools: Collection[str], lenient: bool) -> Call | None:
    if not isinstance(item, dict) or not _CALL_KEYS.issuperset(item):
        return None
    inner = item.get("function")
    if isinstance(inner, dict):
        return _call(inner, tools, lenient)
    names = [item[key] for key in _NAME_KEYS if key in item]
    given = [item[key] for key in _ARGUMENT_KEYS if key in item]
    if len(names) != 1 or not isinstance(names[0], str) or names[0] not in tools:
        return None
    if not given and lenient:
        given = [{}]
    arguments = arguments_text(given[0]) if len(given) == 1 else None
    return None if arguments is None else Call(names[0], arguments)


def _standard(text: str) -> str:
    """Standard JSON with the same meaning: double quotes, JSON's words, no trailing commas."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in "\"'":
            end = _string_end(text, at)
            parts.append(_requoted(text[at + 1 : end]))
            at = end + 1
            continue
        if letter.isalpha():
            end = at
            while end < len(text) and text[end].isalnum():
                end += 1
            parts.append(_WORDS.get(text[at:end], text[at:end]))
            at = end
            continue
        if letter == "," and text[at + 1 :].lstrip()[:1] in ("}", "]"):
            at += 1
            continue
        parts.append(letter)
        at += 1
    return "".join(parts)


def _string_end(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == text[start]:
            return at
        at += 1
    raise ValueError("a string does not end")


def _requoted(inside: str) -> str:
    """The inside of a string of either kind as a JSON string."""
    return '"' + inside.replace("\\'", "'").replace('\\"', '"').replace('"', '\\"') + '"'
