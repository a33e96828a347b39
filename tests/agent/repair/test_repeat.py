"""Edits that mended one place, made in others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.repair.budget import Budget
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.repeat import MAX_CANDIDATES, RepeatProposer
from agent.repair.seams import Candidate, Change, Evidence

Build = Callable[..., Evidence]

SOURCE = """\
class A:
    def php(self, token):
        for part in token:
            yield Text(part.value.replace("a", "b"))

    def python(self, token):
        for part in token:
            if part:
                yield Text(part.value)
        yield Text(token.value)
"""
MENDED = Change(
    ("            yield Text(part.value)",),
    ("            yield Text(part.value.strip())",),
)


def proposed(evidence: Evidence, budget: Budget, *changes: Change) -> list[Candidate]:
    proposer = RepeatProposer((PythonLanguage(),))
    return list(proposer.propose(replace(evidence, changes=changes), budget))


def edited(source: str, candidates: list[Candidate]) -> list[str]:
    """The lines that each candidate adds."""
    before = source.splitlines()
    return [
        "\n".join(row for row in apply_splices(source, c.splices).splitlines() if row not in before)
        for c in candidates
    ]


def test_the_same_line_is_mended_alike_before_one_with_other_names(
    evidence: Build, budget: Budget
) -> None:
    found = proposed(evidence(SOURCE, "A.python"), budget, MENDED)
    assert edited(SOURCE, found) == [
        "                yield Text(part.value.strip())",
        "        yield Text(token.value.strip())",
    ]
    assert [c.operator for c in found] == ["the same edit", "the same edit with other names"]
    assert {c.strategy for c in found} == {"repeat"}


def test_only_suspects_are_edited_and_each_place_once(evidence: Build, budget: Budget) -> None:
    assert proposed(evidence(SOURCE, "A.php"), budget, MENDED) == []
    assert len(proposed(evidence(SOURCE, "A", "A.python"), budget, MENDED)) == 2


def test_nothing_is_repeated_before_something_was_mended(evidence: Build, budget: Budget) -> None:
    assert proposed(evidence(SOURCE, "A.python"), budget) == []
    assert proposed(evidence(SOURCE, "A.python"), budget, Change((), ("x = 1",))) == []


GUARDED = Change(
    ("    return total / count",),
    ("    if not count:", "        return 0", "    return total / count"),
)


def test_lines_put_in_front_are_put_in_front_elsewhere_but_not_twice(
    evidence: Build, budget: Budget
) -> None:
    source = (
        "def one(total, count):\n    if not count:\n        return 0\n    return total / count\n"
        "def two(total, size):\n    if total:\n\t    return total / size\r\n"
    )
    found = proposed(evidence(source, "one", "two"), budget, GUARDED)
    (new,) = [apply_splices(source, c.splices) for c in found]
    assert new.endswith(
        "    if total:\n\t    if not size:\r\n\t        return 0\r\n\t    return total / size\r\n"
    )


@pytest.mark.parametrize(
    "here",
    [
        "total += count",  # another operator
        "return total / count / 2",  # more
        "return a / a",  # one name for two
        "return x / y",  # more than half of the words are others
        "return(total / count)",  # another layout
    ],
)
def test_other_code_is_left_alone(evidence: Build, budget: Budget, here: str) -> None:
    source = f"def f(total, count, a, x, y):\n    {here}\n"
    assert proposed(evidence(source, "f"), budget, GUARDED) == []


def test_a_stretch_of_several_lines_keeps_its_shape(evidence: Build, budget: Budget) -> None:
    change = Change(("if a:", "    b(1)"), ("b(1)",))
    source = "def f(a, b):\n    if a:\n        b(2)\n    if a:\n            b(1)\n"
    found = proposed(evidence(source, "f"), budget, change)
    assert [apply_splices(source, c.splices) for c in found] == [
        "def f(a, b):\n    b(2)\n    if a:\n            b(1)\n"
    ]


def test_what_would_not_parse_is_left_out(evidence: Build, budget: Budget) -> None:
    gone = Change(("    return total / count",), ())
    source = "def f(total, count):\n    return total / count\n"
    assert proposed(evidence(source, "f"), budget, gone) == []


def test_there_is_an_end(evidence: Build, budget: Budget) -> None:
    source = "def f(part):\n" + "    yield Text(part.value)\n" * (2 * MAX_CANDIDATES)
    assert len(proposed(evidence(source, "f"), budget, MENDED)) == MAX_CANDIDATES
    spent = Budget(deadline=0.0, clock=lambda: 0.0)
    assert proposed(evidence(source, "f"), spent, MENDED) == []
