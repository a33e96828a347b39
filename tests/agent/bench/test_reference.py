"""Whether a run suspected and edited what the right mend changes."""

from pathlib import Path

from agent.bench.reference import Reference
from agent.repair.seams import Splice, Suspect

SOURCE = """LIMIT = 3


class Table:
    def width(self):
        def inner():
            return 1

        return inner()

    def height(self):
        return 2
"""


def suspect(name: str, path: str = "t.py") -> Suspect:
    return Suspect(path=path, name=name, first_line=1, last_line=2, score=0.5)


def edit(word: str, path: str = "t.py") -> list[Splice]:
    start = SOURCE.index(word)
    return [Splice(path=path, start=start, end=start + len(word), text="x")]


def test_the_rank_is_that_of_the_function_or_of_what_holds_it() -> None:
    reference = Reference("t.py", ("Table.width.inner",))
    others = [suspect("Table.height"), suspect("Table.width", "other.py")]
    assert reference.rank([*others, suspect("Table.width.inner")]) == 3
    assert reference.rank([*others, suspect("Table.width")]) == 3
    assert reference.rank([suspect("Table.widt"), *others]) is None
    assert Reference("t.py", ("<module>", "f")).rank([suspect("<module>")]) == 1


def test_an_edit_counts_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(SOURCE)
    places = Reference("t.py", ("Table.width",)).places(tmp_path)
    assert places.touched(edit("return 1"))
    assert places.touched([*edit("return 2"), *edit("return inner()")])
    assert not places.touched(edit("return 2"))
    assert not places.touched(edit("return 1", "other.py"))
    assert not places.touched(edit("LIMIT"))


def test_what_is_in_no_function_is_the_module(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(SOURCE)
    places = Reference("t.py", ("<module>", "Table.height")).places(tmp_path)
    assert places.touched(edit("LIMIT"))
    assert places.touched(edit("return 2"))
    assert not places.touched(edit("return 1"))
