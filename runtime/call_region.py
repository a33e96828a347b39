"""One stretch of text that may be a tool call, followed character by character."""

import re
from collections.abc import Callable, Collection

from runtime.call_json import FIRST_KEYS, Call, ValueScanner, arguments_text, calls_in, parse

_TAGS = ("tool_call", "tool_calls", "tools", "tool", "function_call", "function_calls", "function")
# The last three: calls of Llama 3, of Mistral, and of Qwen3-Coder.
_NAMED = "<function="
_OPENERS = (*(f"<{tag}>" for tag in _TAGS), "<|python_tag|>", "[TOOL_CALLS]", _NAMED)
_NAMED_END = "</function>"
CLOSERS = tuple(f"</{tag}>" for tag in _TAGS)
FENCE = "```"
CALL_LANGUAGES = ("", "json", "jsonc", "xml", "tool_call", "tool_calls", "tools")
_PARAMETER = re.compile(r"\s*<parameter=([\w.-]+)>\n?(.*?)\n?</parameter>", re.DOTALL)

Accept = Callable[[Call], Call | None]
"""Gives the call as it is to be passed on; None if it must not be."""


class Region:
    """Text from a possible beginning of a call on; decides whether it is one.

    ``text`` is all of it, ``calls`` is set once it is known to be a call.
    """

    def __init__(self, tools: Collection[str], accept: Accept) -> None:
        self.text = ""
        self.calls: list[Call] = []
        self.fenced = False
        self._tools = tools
        self._accept = accept
        self._state: Callable[[str], bool] = self._opening
        self._scanner = ValueScanner()
        self._mark_at = self._name_at = self._value_at = self._value_end = 0
        self._marked = self._keyed = False
        self._name = ""

    def feed(self, letter: str) -> bool:
        """Take the next character; False if this is no call. ``calls`` is set at its end."""
        self.text += letter
        return self._state(letter)

    def finish(self) -> bool:
        """No more text: whether an unclosed value is a call all the same."""
        value = self.text[self._value_at :]
        if self._state == self._in_parameters:
            return "</parameter>" in value and self._complete_parameters(value)
        return self._state == self._in_value and self._complete(value)

    def _opening(self, letter: str) -> bool:
        if self.text == "{":
            return self._begin_value(letter)
        if self.text[0] == "[" and self.text[1:2] not in ("", "T"):
            # Not Mistral's mark, so a list.
            self._begin_value("[")
            self._value_at = 0
            return self._in_value(letter)
        if self.text == FENCE:
            self.fenced, self._state = True, self._in_language
            return True
        return FENCE.startswith(self.text) or self._in_mark(letter)

    def _in_mark(self, _: str) -> bool:
        """In a mark such as ``<tool_call>``, the first one or one within a fence or a mark."""
        mark = self.text[self._mark_at :]
        if mark in _OPENERS:
            self._marked = True
            self._name_at = len(self.text)
            self._state = self._in_name if mark == _NAMED else self._before_value
        return any(opener.startswith(mark) for opener in _OPENERS)

    def _in_language(self, letter: str) -> bool:
        if letter in "{[<\n":
            if self.text[len(FENCE) : -1].strip() not in CALL_LANGUAGES:
                return False
            self._state = self._before_value
            return letter == "\n" or self._before_value(letter)
        return letter in " \t\r_" or letter.isalnum()

    def _in_name(self, letter: str) -> bool:
        if letter == ">":
            self._name = self.text[self._name_at : -1].strip("\"' ")
            self._keyed = True
            self._state = self._before_value
            return self._name in self._tools
        return letter.isalnum() or letter in "_.-\"' "

    def _before_value(self, letter: str) -> bool:
        if letter in "{[":
            return self._begin_value(letter)
        if letter == "<" and self._name:
            self._value_at = len(self.text) - 1
            self._state = self._in_parameters
            return True
        if letter == "<":
            self._mark_at = len(self.text) - 1
            self._state = self._in_mark
            return True
        return letter.isspace()

    def _begin_value(self, letter: str) -> bool:
        self._value_at = len(self.text) - 1
        self._state = self._in_value
        return self._scanner.feed(letter)

    def _in_value(self, letter: str) -> bool:
        if letter in "<`" and not self._scanner.in_string:
            # No JSON goes on like this: a closing tag before the brackets were closed.
            self._value_end = len(self.text) - 1
            self._state = self._in_early_end
            return True
        if not self._scanner.feed(letter):
            return False
        if self._scanner.balanced:
            return self._complete(self.text[self._value_at :])
        if not self._keyed:
            verdict = _may_be_call(self.text[self._value_at :])
            self._keyed = verdict is True
            return verdict is not False
        return True

    def _in_early_end(self, _: str) -> bool:
        end = self.text[self._value_end :]
        if end in (*CLOSERS, FENCE):
            return self._complete(self.text[self._value_at : self._value_end])
        return any(closer.startswith(end) for closer in (*CLOSERS, FENCE))

    def _in_parameters(self, _: str) -> bool:
        body = self.text[self._value_at :]
        if not body.startswith("<parameter="[: len(body)]) and not body.startswith(
            _NAMED_END[: len(body)]
        ):
            return False
        if body.endswith(_NAMED_END):
            return self._complete_parameters(body.removesuffix(_NAMED_END))
        return True

    def _complete_parameters(self, inside: str) -> bool:
        if _PARAMETER.sub("", inside).strip():
            return False
        given = {match[1]: match[2] for match in _PARAMETER.finditer(inside)}
        return self._take([Call(self._name, arguments_text(given) or "{}")])

    def _complete(self, value: str) -> bool:
        if self._scanner.in_string:
            return False
        try:
            parsed = parse(value + self._scanner.missing)
        except ValueError:
            return False
        arguments = arguments_text(parsed) if self._name else None
        if arguments is not None and self._take([Call(self._name, arguments)]):
            return True
        # A mark says that it is a call, so arguments may be missing.
        return self._take(calls_in(parsed, self._tools, lenient=self._marked))

    def _take(self, found: list[Call]) -> bool:
        """Whether these are calls with arguments as declared, each of them."""
        accepted = [call for one in found if (call := self._accept(one)) is not None]
        self.calls = accepted if len(accepted) == len(found) else []
        return bool(self.calls)


def _may_be_call(value: str) -> bool | None:
    """Whether a JSON value may become a call, by its first key; None: that is not whole yet."""
    start = value.lstrip("[ \t\r\n")
    key = start[1:].lstrip()
    if not key:
        return None if start[:1] in ("", "{") else False
    if not start.startswith("{") or key[0] not in "\"'":
        return False
    end = key.find(key[0], 1)
    if end >= 0:
        return key[1:end] in FIRST_KEYS
    return None if any(known.startswith(key[1:]) for known in FIRST_KEYS) else False
