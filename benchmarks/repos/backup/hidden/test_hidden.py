import hashlib
from pathlib import Path

import pytest

from snapback import Archive, Manifest
from snapback.checksum import checksum


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_checksum_does_not_depend_on_the_chunk(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert checksum(path, chunk) == hashlib.sha256(b"0123456789").hexdigest()


def test_change_at_the_start_of_a_long_file(folder: Path) -> None:
    path = folder / "long.bin"
    path.write_bytes(b"a" + b"-" * 9000)
    before = Manifest.of(folder)
    path.write_bytes(b"b" + b"-" * 9000)
    assert Manifest.of(folder).since(before).changed == ("long.bin",)


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_rotation(folder: Path, tmp_path: Path, keep: int) -> None:
    archive = Archive(tmp_path / "other", keep)
    for number in range(1, 7):
        (folder / "notes.txt").write_text(str(number))
        archive.take(folder)
    assert len(archive) == keep
    notes = [(archive.path(one) / "files" / "notes.txt").read_text() for one in range(1, keep + 1)]
    assert notes == [str(number) for number in range(6, 6 - keep, -1)]


def test_restore_keeps_folders_that_are_not_empty(folder: Path, archive: Archive) -> None:
    archive.take(folder)
    (folder / "letters" / "more").mkdir()
    (folder / "letters" / "more" / "x.txt").write_text("x")
    archive.restore(folder)
    assert not (folder / "letters" / "more").exists()
    assert (folder / "letters" / "ada.txt").exists()


def test_restore_empties_a_folder(folder: Path, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "other")
    archive.take(folder)
    extra = folder / "one" / "two" / "three"
    extra.mkdir(parents=True)
    for name in "ab":
        (extra / name).write_text(name)
    assert archive.restore(folder).added == ("one/two/three/a", "one/two/three/b")
    assert not (folder / "one").exists()
    assert Manifest.of(folder) == archive.manifest()
