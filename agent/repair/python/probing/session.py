"""The probes of one module: which calls are changed how often, and how a test tells of them."""

from __future__ import annotations

import contextlib
import inspect
import random
import types
import unittest
from collections.abc import Iterator
from typing import Any

from .calls import Call

MARK = "locum-probe"
MOST_DIGESTS = 48
"""Of one test; more would not fit into the message of its failure."""
MOST_TESTS = 24
"""Tests of a module that probe; one with parameters counts once for each set of them."""


class Probing:
    """Wraps calls that a test makes: each is made as ever, and then again on other inputs."""

    def __init__(self, seed: int, changes: int) -> None:
        """`seed` picks among the changed inputs, `changes` is how many calls a test adds."""
        self._seed = seed
        self._most = min(changes, MOST_DIGESTS)
        self._tests = 0
        self._active = False
        self._share = 0
        self._digests: list[str] = []
        self._visits: dict[int, int] = {}

    @contextlib.contextmanager
    def test(self, sites: int) -> Iterator[None]:
        """Around the body of a test in which so many calls stand.

        It ends with an AssertionError that tells the digests, whatever Exception the body raised.
        """
        self._tests += 1
        if self._tests > MOST_TESTS:
            yield
            return
        self._active, self._digests, self._visits = True, [], {}
        self._share = max(3, self._most // max(1, sites))
        try:
            yield
        except BaseException as error:
            # A failure that pytest raised is as good an end as any; a skip or a time limit is not.
            if not isinstance(error, Exception) and type(error).__name__ != "Failed":
                raise
        finally:
            self._active = False
        raise AssertionError(" ".join([MARK, *self._digests])) from None

    def called(self, function: Any, site: int) -> Any:
        """What stands for `function` where it is called."""
        return self._wrapped(function, site) if self._active and _worth(function) else function

    def passed(self, function: Any, site: int) -> Any:
        """What stands for `function` where it is handed to something that may call it."""
        return self.called(function, site) if inspect.isroutine(function) else function

    def _wrapped(self, function: Any, site: int) -> Any:
        def probed(*args: Any, **kwargs: Any) -> Any:
            call = Call(function, args, kwargs)
            before = call.again() if self._active else None
            try:
                result = call.make()
            except Exception:
                self._probe(before, site)
                raise
            if inspect.iscoroutine(result):
                return self._later(result, before, site)
            self._probe(before, site)
            return result

        probed.locum_probed = True  # type: ignore[attr-defined]
        return probed

    def _probe(self, before: Call | None, site: int) -> None:
        for call in self._again(before, site):
            with self._quiet():
                self._digests.append(call.outcome())

    async def _later(self, result: Any, before: Call | None, site: int) -> Any:
        try:
            return await result
        finally:
            for call in self._again(before, site):
                with self._quiet():
                    self._digests.append(await call.awaited())

    def _again(self, before: Call | None, site: int) -> list[Call]:
        """The call as it was, and then with one argument changed."""
        room = min(self._share, self._most - len(self._digests))
        same = before.again() if before is not None and self._active and room > 0 else None
        if before is None or same is None:
            return []
        visit = self._visits[site] = self._visits.get(site, 0) + 1
        chosen = random.Random(f"{self._seed} {site} {visit}")
        return [same, *before.changed(chosen, room - 1)]

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Calls inside changed calls are left alone."""
        self._active = False
        try:
            yield
        finally:
            self._active = True


def _worth(function: Any) -> bool:
    """Whether it may be code of the repository, and is not wrapped already."""
    if isinstance(function, types.BuiltinFunctionType) or not callable(function):
        return False
    if getattr(function, "locum_probed", False) or type(function).__module__ == "unittest.mock":
        return False
    return not isinstance(getattr(function, "__self__", None), unittest.TestCase)
