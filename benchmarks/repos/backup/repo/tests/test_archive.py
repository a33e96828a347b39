from pathlib import Path

import pytest

from snapback import Archive, Difference, Patterns


def versions(archive: Archive) -> list[str]:
    """The text of the notes in each snapshot."""
    numbers = range(1, len(archive) + 1)
    return [(archive.path(one) / "files" / "notes.txt").read_text() for one in numbers]


def write_versions(folder: Path, archive: Archive, count: int) -> None:
    for number in range(1, count + 1):
        (folder / "notes.txt").write_text(f"version {number}")
        archive.take(folder)


def test_keeps_at_least_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Archive(tmp_path, keep=0)


def test_first(folder: Path, archive: Archive) -> None:
    difference = archive.take(folder, Patterns(["*.tmp"]))
    assert difference == Difference(added=("letters/ada.txt", "notes.txt"))
    assert len(archive) == 1


def test_nothing_new(folder: Path, archive: Archive) -> None:
    archive.take(folder)
    assert not archive.take(folder)
    assert len(archive) == 1


def test_two(folder: Path, archive: Archive) -> None:
    write_versions(folder, archive, 2)
    assert versions(archive) == ["version 2", "version 1"]


def test_oldest_goes(folder: Path, archive: Archive) -> None:
    write_versions(folder, archive, 5)
    assert versions(archive) == ["version 5", "version 4", "version 3"]


def test_unknown(archive: Archive) -> None:
    with pytest.raises(LookupError, match="no snapshot 1"):
        archive.manifest()


def test_verify(folder: Path, archive: Archive) -> None:
    archive.take(folder)
    assert archive.verify() == []
    (archive.path(1) / "files" / "notes.txt").write_text("damaged")
    (archive.path(1) / "files" / "letters" / "ada.txt").unlink()
    assert archive.verify() == ["letters/ada.txt", "notes.txt"]


class TestRestore:
    def test_changed_and_removed(self, folder: Path, archive: Archive) -> None:
        archive.take(folder)
        (folder / "notes.txt").write_text("forgotten")
        (folder / "letters" / "ada.txt").unlink()
        difference = archive.restore(folder)
        assert difference == Difference(changed=("notes.txt",), removed=("letters/ada.txt",))
        assert (folder / "notes.txt").read_text() == "remember the milk"
        assert (folder / "letters" / "ada.txt").read_text() == "Dear Ada"

    def test_added(self, folder: Path, archive: Archive) -> None:
        archive.take(folder)
        (folder / "new" / "deep").mkdir(parents=True)
        (folder / "new" / "deep" / "file").write_text("x")
        archive.restore(folder)
        assert sorted(path.name for path in folder.iterdir()) == ["letters", "notes.txt"]

    def test_older(self, folder: Path, archive: Archive) -> None:
        write_versions(folder, archive, 2)
        archive.restore(folder, 2)
        assert (folder / "notes.txt").read_text() == "version 1"
