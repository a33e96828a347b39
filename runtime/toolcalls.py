"""Finds tool calls that a model wrote as text, while the text is still coming.

Small models seldom keep to the ``<tool_call>{…}</tool_call>`` they were shown. All shapes that
were seen are found: other tags, fenced and bare JSON, ``<function=name>`` with parameters,
mismatched or missing closing tags, several calls in a row, prose around them. Text is worked
through one character at a time, so how it was split into chunks cannot matter.
"""

import re
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from runtime.call_json import FIRST_KEYS, Call, ValueScanner, arguments_text, calls_in, parse

_TAGS = ("tool_call", "tool_calls", "tools", "tool", "function_call", "function_calls", "function")
# The last three: calls of Llama 3, of Mistral, and of Qwen3-Coder.
_NAMED = "<function="
_OPENERS = (*(f"<{tag}>" for tag in _TAGS), "<|python_tag|>", "[TOOL_CALLS]", _NAMED)
_NAMED_END = "</function>"
_CLOSERS = tuple(f"</{tag}>" for tag in _TAGS)
_FENCE = "```"
_CALL_LANGUAGES = ("", "json", "jsonc", "xml", "tool_call", "tool_calls", "tools")
_PARAMETER = re.compile(r"\s*<parameter=([\w.-]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
# A text with so many long false starts is no list of calls; looking on would take quadratic time.
_LONG, _PATIENCE = 200, 64


@dataclass(frozen=True)
class Text:
    """Content that is certainly not part of a call."""

    text: str


Event = Text | Call
Accept = Callable[[Call], Call | None]
"""Gives the call as it is to be passed on; None if it must not be."""


class _Region:
    """Text from a possible beginning of a call on; decides whether it is one."""

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
        if self.text == _FENCE:
            self.fenced, self._state = True, self._in_language
            return True
        return _FENCE.startswith(self.text) or self._in_mark(letter)

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
            if self.text[len(_FENCE) : -1].strip() not in _CALL_LANGUAGES:
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
        if end in (*_CLOSERS, _FENCE):
            return self._complete(self.text[self._value_at : self._value_end])
        return any(closer.startswith(end) for closer in (*_CLOSERS, _FENCE))

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


class ToolCallParser:
    """Splits a reply into content and calls of the declared tools; use once.

    ``accept`` checks the arguments of a call; a call that it does not accept stays content.
    """

    def __init__(self, tool_names: Collection[str], accept: Accept | None = None) -> None:
        self._tools = frozenset(tool_names)
        self._accept: Accept = accept or (lambda call: call)
        self._events: list[Event] = []
        self._content: list[str] = []
        self._region: _Region | None = None
        self._after: str | None = None
        self._fence_open = False
        self._line = ""
        self._in_code = False
        self._patience = _PATIENCE

    def feed(self, text: str) -> list[Event]:
        """Take more text; returns what has become certain."""
        self._work(deque(text))
        return self._drain()

    def finish(self) -> list[Event]:
        """No more text: returns the rest."""
        while self._region is not None:
            region, self._region = self._region, None
            if region.finish():
                self._found(region)
            else:
                self._work(deque(self._rejected(region)))
        self._after = None
        return self._drain()

    def _work(self, letters: deque[str]) -> None:
        while letters:
            letter = letters.popleft()
            if self._after is not None:
                letters.extendleft(reversed(self._take_after(letter)))
            elif self._region is not None:
                region = self._region
                if not region.feed(letter):
                    self._region = None
                    letters.extendleft(reversed(self._rejected(region)))
                elif region.calls:
                    self._region = None
                    self._found(region)
            elif self._may_open(letter):
                self._region = _Region(self._tools, self._accept)
                if not self._region.feed(letter):
                    self._region = None
                    self._emit(letter)
            else:
                self._emit(letter)

    def _may_open(self, letter: str) -> bool:
        if not self._tools or self._in_code or self._patience <= 0:
            return False
        return letter == "<" or (letter in "{[`" and not self._line.strip())

    def _rejected(self, region: _Region) -> str:
        """Emit the first character of what is no call; the rest is looked at again."""
        if len(region.text) > _LONG:
            self._patience -= 1
        # A fence must be seen whole by ``_emit``, or its rest would look like another one.
        certain = len(_FENCE) if region.text.startswith(_FENCE) else 1
        for letter in region.text[:certain]:
            self._emit(letter)
        return region.text[certain:]

    def _found(self, region: _Region) -> None:
        self._flush()
        self._events.extend(region.calls)
        self._fence_open = (self._fence_open or region.fenced) and not region.text.endswith(_FENCE)
        self._after = ""
        self._line = ""

    def _take_after(self, letter: str) -> str:
        """Swallow what closes a call; returns the characters that are something else."""
        self._after = (self._after or "") + letter
        rest = self._after.lstrip()
        closers = (*_CLOSERS, _FENCE) if self._fence_open else _CLOSERS
        if rest in closers:
            self._fence_open = self._fence_open and rest != _FENCE
            self._after = ""
        elif rest and not any(closer.startswith(rest) for closer in closers):
            held, self._after = self._after, None
            return held
        return ""

    def _emit(self, letter: str) -> None:
        self._content.append(letter)
        if letter == "\n":
            line = self._line.strip()
            if line.startswith(_FENCE):
                language = line[len(_FENCE) :].strip()
                self._in_code = not self._in_code and language not in _CALL_LANGUAGES
            self._line = ""
        elif len(self._line) < _LONG:
            self._line += letter

    def _flush(self) -> None:
        if self._content:
            self._events.append(Text("".join(self._content)))
            self._content.clear()

    def _drain(self) -> list[Event]:
        self._flush()
        events, self._events = self._events, []
        return events


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
