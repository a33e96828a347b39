import hashlib
from pathlib import Path

import pytest

from snapback import Difference, Manifest, Patterns
from snapback.checksum import checksum


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 20_000])
def test_checksum(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    data = bytes(number % 251 for number in range(size))
    path.write_bytes(data)
    assert checksum(path) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("lines", "path", "excluded"),
    [
        ([], "a.tmp", False),
        (["*.tmp"], "x/a.tmp", True),
        (["# *.tmp", ""], "a.tmp", False),
        (["*.tmp", "!keep.tmp"], "keep.tmp", False),
        (["letters/"], "letters/ada.txt", True),
        (["letters/"], "letters", False),
        (["letters/*.txt"], "letters/ada.txt", True),
        (["letters/*.txt"], "ada.txt", False),
    ],
)
def test_patterns(lines: list[str], path: str, excluded: bool) -> None:
    assert Patterns(lines).excludes(path) is excluded


def test_manifest(folder: Path) -> None:
    manifest = Manifest.of(folder, Patterns(["*.tmp"]))
    assert list(manifest.files) == ["letters/ada.txt", "notes.txt"]


def test_written_and_read(folder: Path, tmp_path: Path) -> None:
    manifest = Manifest.of(folder)
    manifest.write(tmp_path / "manifest.json")
    assert Manifest.read(tmp_path / "manifest.json") == manifest


def test_since() -> None:
    earlier = Manifest({"a": "1", "b": "1", "c": "1"})
    assert Manifest({"b": "2", "c": "1", "d": "1"}).since(earlier) == Difference(
        added=("d",), changed=("b",), removed=("a",)
    )
    assert not earlier.since(earlier)
