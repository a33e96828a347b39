"""Listing, reading and searching within limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.beneath import Root
from tools.errors import RefusedPath, ToolsError
from tools.files import MOST_BYTES, MOST_ENTRIES, list_files, read_file
from tools.search import MOST_MATCHES, search


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    with Root(tmp_path) as opened:
        yield opened


def test_lists_sorted_with_folders_marked_and_links_unfollowed(root: Root) -> None:
    (root.path / "b").mkdir()
    (root.path / "b" / "c.py").write_text("")
    (root.path / "a.py").write_text("")
    (root.path / "out").symlink_to("/etc")
    (root.path / ".git").mkdir()
    assert list_files(root).entries == ("a.py", "b/", "b/c.py", "out")
    with pytest.raises(RefusedPath):
        list_files(root, "out")


def test_depth_is_capped(root: Root) -> None:
    deep = root.path.joinpath(*["d"] * 30)
    deep.mkdir(parents=True)
    listing = list_files(root, depth=1000)
    assert listing.truncated
    assert max(entry.count("/") for entry in listing.entries) == 20
    assert list_files(root, depth=1).entries == ("d/",)


def test_wide_trees_are_cut(root: Root) -> None:
    for number in range(MOST_ENTRIES + 10):
        (root.path / str(number)).touch()
    listing = list_files(root)
    assert listing.truncated
    assert len(listing.entries) == MOST_ENTRIES


def test_names_that_could_steer_a_terminal_are_left_out(root: Root) -> None:
    (root.path / "evil\x1b[2J").touch()
    (root.path / "new\nline").touch()
    (root.path / "plain").touch()
    assert list_files(root).entries == ("plain",)


def test_reads_ranges_and_keeps_line_ends(root: Root) -> None:
    (root.path / "f").write_bytes(b"1\r\n2\x0c\n3")
    assert read_file(root, "f").text == "1\r\n2\x0c\n3"
    part = read_file(root, "f", 2, 2)
    assert (part.text, part.first_line, part.last_line) == ("2\x0c\n", 2, 2)
    with pytest.raises(ToolsError, match="has only 3 lines"):
        read_file(root, "f", 4)


def test_large_files_are_cut_and_say_so(root: Root) -> None:
    (root.path / "big").write_text("x = 1\n" * 1_000_000)
    part = read_file(root, "big")
    assert part.truncated
    assert part.size == 6_000_000
    assert len(part.text) == MOST_BYTES
    assert read_file(root, "big", 999_999, 1_000_000).text == "x = 1\n" * 2


def test_binary_is_refused_and_other_encodings_are_shown(root: Root) -> None:
    (root.path / "binary").write_bytes(b"\x7fELF\0\0")
    with pytest.raises(ToolsError, match="binary file of 6 bytes"):
        read_file(root, "binary")
    (root.path / "latin").write_bytes(b"caf\xe9\n")
    assert read_file(root, "latin").text == "caf�\n"
    (root.path / "empty").touch()
    assert read_file(root, "empty").text == ""


def test_search_finds_literals_and_expressions(root: Root) -> None:
    (root.path / "a.py").write_text("x = 1\ny = a.b(x)\n")
    (root.path / "b.bin").write_bytes(b"a.b\0")
    (root.path / "out").symlink_to("/etc/passwd")
    assert [(m.path, m.line, m.text) for m in search(root, "a.b(")] == [("a.py", 2, "y = a.b(x)")]
    assert [m.line for m in search(root, r"^\w = \d", regex=True)] == [1]
    assert [m.line for m in search(root, "x", path="a.py")] == [1, 2]
    assert search(root, "root:") == ()


def test_search_stops_at_its_limits(root: Root) -> None:
    (root.path / "many").write_text("needle\n" * 1000)
    assert len(search(root, "needle")) == MOST_MATCHES
    assert len(search(root, "n.+e", regex=True)) == MOST_MATCHES


@pytest.mark.parametrize("pattern", ["", "x" * 501, "a\nb"])
def test_patterns_have_limits(root: Root, pattern: str) -> None:
    with pytest.raises(ToolsError, match="A pattern has"):
        search(root, pattern)


def test_bad_expressions_are_one_sentence(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    (root.path / "a").write_text("a" * 40 + "!\n")
    with pytest.raises(ToolsError, match="cannot be used"):
        search(root, "(", regex=True)
    monkeypatch.setattr("tools.search._SECONDS", 0.5)
    with pytest.raises(ToolsError, match="took too long"):
        search(root, "(a+)+$", regex=True)
