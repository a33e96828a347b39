"""Where a branch ends, told from its text alone."""

from dataclasses import replace

import pytest

from runtime.branch_end import Ending
from runtime.engine_api import BranchQuery

FORCED = "def f(a):\n    b = a\n    if b:\n        return b\n    return a\n```"
QUERY = BranchQuery((), FORCED)
BLOCKS = replace(QUERY, lines=4, blocks={":": (), "(": (")",)})


def grown(query: BranchQuery, place: str, text: str, *, answered: bool = False) -> list[str] | None:
    """The forced text with each cut laid in, once the branch is done; None while it goes on.

    The text comes letter by letter, so that `text` must end where the branch is first done.
    """
    offset = FORCED.index(place)
    ending = Ending(FORCED, offset, query)
    for size in range(1, len(text)):
        assert not ending.done(text[:size]), f"done too early, at {text[:size]!r}"
    if not ending.done(text, answered=answered):
        return None
    return [FORCED[:offset] + text[: cut.length] + FORCED[cut.end :] for cut in ending.cuts]


def test_a_branch_ends_with_its_line():
    assert grown(QUERY, "b = a", "c = a\n") == [FORCED.replace("b = a", "c = a")]
    assert grown(QUERY, "b = a", "if a:\n") == [FORCED.replace("b = a", "if a:")]
    assert grown(QUERY, "b = a", "c = a") is None
    assert grown(QUERY, "b = a", "c = a", answered=True) == [FORCED.replace("b = a", "c = a")]


def test_a_block_goes_on_while_lines_are_deeper():
    text = "if a:\n        return 0\n\n    z"
    found = grown(BLOCKS, "b = a", text)
    assert found == [
        FORCED.replace("b = a", "if a:"),
        FORCED.replace("b = a", "if a:\n        return 0"),
    ]


def test_a_bracket_is_closed_by_its_line():
    found = grown(BLOCKS, "b = a", "b = f(\n        a,\n    )\n    i")
    assert found
    assert found[-1] == FORCED.replace("b = a", "b = f(\n        a,\n    )")


def test_a_block_that_is_too_long_is_left_out():
    found = grown(BLOCKS, "b = a", "if a:\n        x\n        y\n        z\n")
    assert found == [FORCED.replace("b = a", "if a:")]


def test_the_end_of_the_answer_closes_a_block():
    found = grown(BLOCKS, "b = a", "if a:\n        x", answered=True)
    assert found
    assert found[-1] == FORCED.replace("b = a", "if a:\n        x")


@pytest.mark.parametrize(("place", "text"), [("b:", "not b:\n"), ("f(a)", "g(a):\n")])
def test_a_changed_opening_keeps_the_old_block(place: str, text: str):
    assert grown(BLOCKS, place, text) == [FORCED.replace(f"{place.rstrip(':')}:", text.strip())]


def test_lines_go_in_until_the_branch_is_back():
    query = replace(QUERY, lines=4, rejoin=3)
    found = grown(query, "b = a", "c = 1\n    d = 2\n    b = a\n")
    assert found == [
        FORCED.replace("b = a", "c = 1"),
        FORCED.replace("b = a", "c = 1\n    d = 2\n    b = a"),
    ]


def test_lines_between_are_replaced_by_the_way_back():
    query = replace(BLOCKS, rejoin=4)
    found = grown(query, "if b:", "if a:\n        x\n    return a\n")
    assert found
    assert found[-1] == "def f(a):\n    b = a\n    if a:\n        x\n    return a\n```"
    assert found[-2] == FORCED.replace("if b:", "if a:\n        x"), "and the block by itself"


def test_a_branch_that_does_not_come_back_is_its_first_line():
    query = replace(QUERY, lines=3, rejoin=2)
    assert grown(query, "b = a", "c = 1\n    d = 2\n    e = 3\n") == [
        FORCED.replace("b = a", "c = 1")
    ]
    assert grown(query, "= a", "= 2\n") == [FORCED.replace("= a", "= 2")], "not at a line start"
