"""A question about branches is asked once, however often the search comes back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agent.repair.remembered import Remembered
from runtime.client import Branch
from runtime.errors import BranchingUnsupported


class Counted:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False

    def branch(
        self, messages: Sequence[Mapping[str, Any]], forced: str, **options: Any
    ) -> Sequence[Branch]:
        self.asked.append(forced)
        if self.fails:
            raise BranchingUnsupported("not today")
        return [Branch(0, 1, str(len(self.asked)), -1.0, 1.0, True)]


MESSAGES = [{"role": "user", "content": "mend it"}]


def test_the_same_question_has_the_same_answer() -> None:
    model = Counted()
    known = Remembered(model)
    first = known.branch(MESSAGES, "a", count=32, blocks={":": ("except",)})
    assert known.branch([dict(MESSAGES[0])], "a", count=32, blocks={":": ("except",)}) == first
    assert model.asked == ["a"]


@pytest.mark.parametrize(
    ("messages", "forced", "count"),
    [([{"role": "user", "content": "other"}], "a", 32), (MESSAGES, "b", 32), (MESSAGES, "a", 128)],
)
def test_another_question_is_asked(messages: list[dict[str, str]], forced: str, count: int) -> None:
    model = Counted()
    known = Remembered(model)
    before = known.branch(MESSAGES, "a", count=32)
    assert known.branch(messages, forced, count=count) != before


def test_a_failure_is_not_remembered() -> None:
    model = Counted()
    known = Remembered(model)
    model.fails = True
    with pytest.raises(BranchingUnsupported):
        known.branch(MESSAGES, "a")
    model.fails = False
    assert known.branch(MESSAGES, "a")
