from __future__ import annotations

from tools.merge import merge

BASE = "a\nb\nc\nd\ne\nf\ng\n"


def test_changes_of_both_sides_come_together() -> None:
    ours, theirs = BASE.replace("a", "A"), BASE.replace("g\n", "G\r\n")
    assert merge(BASE, ours, theirs) == "A\nb\nc\nd\ne\nf\nG\r\n"


def test_the_same_lines_changed_twice_are_left_to_a_person() -> None:
    assert merge(BASE, BASE.replace("d", "x"), BASE.replace("d", "y")) is None


def test_one_side_alone_wins() -> None:
    other = "\udcff not UTF-8\n"
    assert merge(BASE, other, BASE) == other
    assert merge(BASE, BASE, other) == other
    assert merge(BASE + other, BASE.replace("a", "A") + other, BASE + other + "z\n") == (
        BASE.replace("a", "A") + other + "z\n"
    )
