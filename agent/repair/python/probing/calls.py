"""A call that can be made again, changed, on copies of everything that it touches."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from .values import canonical, copied, digest, variants

STEPS = 20_000
"""Lines of Python that one changed call may run: what loops for ever is cut at the same place
on every machine."""
SECONDS = 0.5
"""For one changed call of a coroutine function, whose lines cannot be counted."""


class TooLong(BaseException):
    """A changed call ran too many lines. Not an Exception: the code must not handle it."""


class Call:
    """A function with its arguments."""

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    @property
    def receiver(self) -> Any:
        """The object whose method it is; None for functions and methods of classes."""
        owner = getattr(self.function, "__self__", None)
        return None if isinstance(owner, (type, types.ModuleType)) else owner

    def make(self) -> Any:
        return self.function(*self.args, **self.kwargs)

    def again(self) -> Call | None:
        """The same call on copies; None for what cannot be copied."""
        function = self.function
        try:
            receiver, args, kwargs = copied((self.receiver, self.args, self.kwargs))
        except Exception:  # copying runs code of the repository, which may raise anything
            return None
        if receiver is not None:
            if not isinstance(function, types.MethodType):
                return None
            function = types.MethodType(function.__func__, receiver)
        return Call(function, args, kwargs)

    def changed(self, chosen: random.Random, count: int) -> list[Call]:
        """At most `count` calls with one argument changed, spread over the arguments."""
        pools = []
        slots: list[Any] = [*range(len(self.args)), *sorted(self.kwargs)]
        for slot in slots:
            values = variants(self.args[slot] if isinstance(slot, int) else self.kwargs[slot])
            chosen.shuffle(values)
            pools.append((slot, values))
        longest = max((len(values) for _, values in pools), default=0)
        turns = [
            (slot, values[turn])
            for turn in range(longest)
            for slot, values in pools
            if turn < len(values)
        ]
        calls = [self._with(slot, value) for slot, value in turns[: max(0, count)]]
        return [call for call in calls if call is not None]

    def _with(self, slot: Any, value: Any) -> Call | None:
        args, kwargs = list(self.args), dict(self.kwargs)
        if isinstance(slot, int):
            args[slot] = value
        else:
            kwargs[slot] = value
        return Call(self.function, tuple(args), kwargs).again()

    def outcome(self) -> str:
        """Digest of what the call gives back, prints, raises and leaves behind."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            told = _told(lambda: canonical(_settled(self.make())))
        return self._digest(told, printed)

    async def awaited(self) -> str:
        """The same for a coroutine function."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                result = await asyncio.wait_for(self.make(), SECONDS)
            except Exception as error:
                told = type(error).__name__
            else:
                told = _told(lambda: canonical(result))
        return self._digest(told, printed)

    def _digest(self, told: str, printed: io.StringIO) -> str:
        left = _told(lambda: canonical((self.receiver, self.args, self.kwargs)))
        return digest("\0".join((told, printed.getvalue(), left)))


def _settled(result: Any) -> Any:
    if inspect.iscoroutine(result):
        result.close()  # or Python warns that nobody awaited it
    return result


def _told(tell: Callable[[], str]) -> str:
    try:
        with _Limit(STEPS):
            return tell()
    except TooLong:
        return "too long"
    except (Exception, SystemExit) as error:
        return type(error).__name__


class _Limit:
    """Raises TooLong once the code inside has run so many lines."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: types.FrameType, _event: str, _argument: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooLong
        # Of these modules only the calls count.
        return None if frame.f_globals.get("__package__") == __package__ else self._trace
