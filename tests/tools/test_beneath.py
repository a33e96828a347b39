"""Files beneath a directory, by the kernel's resolution and by the portable walk alike."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.beneath import Root, has_openat2, parse
from tools.errors import RefusedPath, UnusableRepository


@pytest.fixture(params=["kernel", "portable"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Root]:
    if request.param == "kernel" and not has_openat2():
        pytest.skip("This kernel has no openat2.")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "c.txt").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    with Root(tree, portable=request.param == "portable") as opened:
        yield opened


def test_reads_what_is_there(root: Root) -> None:
    for path in ("a/b/c.txt", "./a//b/./c.txt", "a/b/c.txt/"):
        assert root.read(path) == b"inside"
    assert root.read("a/b/c.txt", limit=2) == b"in"


@pytest.mark.parametrize(
    "path",
    [
        *("../secret", "a/../../secret", "a/b/../../../secret", "/etc/passwd", "~/.ssh/id_rsa"),
        *(
            "a\0b",
            "a\nb",
            "a/\x1b[2J",
            "\ud800",
            "x" * 256,
            "/".join(["deep"] * 1000),
            "d/" * 100 + "x",
        ),
    ],
)
def test_a_path_that_is_no_plain_relative_one_is_refused(root: Root, path: str) -> None:
    for action in (root.read, root.stat, root.remove, lambda name: root.write(name, b"x")):
        with pytest.raises(RefusedPath):
            action(path)


def test_a_path_through_many_folders_is_one_like_others(root: Root) -> None:
    root.write("d/" * 99 + "x", b"below")
    assert root.read("d/" * 99 + "x") == b"below"


def test_a_prefix_twin_is_outside(root: Root) -> None:
    twin = root.path.with_name("tree-evil")
    twin.mkdir()
    (twin / "x").write_text("outside")
    with pytest.raises(RefusedPath):
        root.read("../tree-evil/x")


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "a/b/c.txt", "/proc/self/root"])
def test_a_link_is_never_followed_not_even_inwards(root: Root, target: str) -> None:
    (root.path / "link").symlink_to(target)
    (root.path / "folder").symlink_to("a")
    for path in ("link", "link/x", "folder/b/c.txt", "a/../folder"):
        with pytest.raises(RefusedPath):
            root.read(path)


def test_proc_gives_no_way_out(tmp_path: Path) -> None:
    for portable in (False, True):
        with Root(Path("/proc"), portable=portable) as proc:
            for path in ("self/cwd/x", "self/root/etc/passwd", f"{os.getpid()}/root/etc/passwd"):
                with pytest.raises(RefusedPath):
                    proc.read(path)
            assert proc.read("uptime")


def test_fifos_sockets_devices_and_folders_are_not_read_and_do_not_block(root: Root) -> None:
    os.mkfifo(root.path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root.path / "socket"))
        for path in ("fifo", "socket", "a"):
            with pytest.raises(RefusedPath, match="not a regular file"):
                root.read(path)
    with Root(Path("/dev")) as devices, pytest.raises(RefusedPath):
        devices.read("zero")


def test_a_sparse_file_costs_no_more_than_the_limit(root: Root) -> None:
    with (root.path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert len(root.read("sparse", limit=1000)) == 1000


def test_writes_make_folders_and_replace_links(root: Root) -> None:
    root.write("new/deep/file", b"one")
    assert (root.path / "new/deep/file").read_bytes() == b"one"
    (root.path / "link").symlink_to("../secret")
    root.write("link", b"two")
    assert (root.path / "link").read_bytes() == b"two"
    assert root.path.with_name("secret").read_text() == "outside"


def test_a_write_through_a_linked_folder_is_refused(root: Root) -> None:
    (root.path / "out").symlink_to(root.path.parent)
    with pytest.raises(RefusedPath):
        root.write("out/secret", b"x")
    with pytest.raises(RefusedPath):
        root.remove("out/secret")
    assert root.path.with_name("secret").read_text() == "outside"


def test_a_folder_is_not_written_as_a_file(root: Root) -> None:
    for path in ("a", "", "."):
        with pytest.raises(RefusedPath):
            root.write(path, b"x")


def exchange(one: Path, other: Path) -> None:
    """Swap two names in one step: at no moment is either of them missing."""
    libc, here = ctypes.CDLL(None, use_errno=True), -100
    assert libc.renameat2(here, bytes(one), here, bytes(other), 2) == 0


def test_racing_directory_swaps_lead_nowhere(root: Root) -> None:
    """Another thread swaps a folder for a link to the outside, over and over."""
    tree, outside = root.path, root.path.parent / "outside"
    for folder, content in ((outside, "outside"), (tree / "swap", "inside")):
        folder.mkdir()
        (folder / "target").write_text(content)
    (tree / "link").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            exchange(tree / "swap", tree / "link")

    attacker = threading.Thread(target=swap)
    attacker.start()
    worked = refused = 0
    try:
        while worked < 80 or refused < 80:
            try:
                assert root.read("swap/target") in (b"inside", b"mine")
                root.write("swap/target", b"mine")
                worked += 1
            except (RefusedPath, OSError):
                refused += 1
    finally:
        stop.set()
        attacker.join()
    assert (outside / "target").read_text() == "outside"
    assert [path.name for path in outside.iterdir()] == ["target"]


def test_a_missing_root_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnusableRepository, match="cannot be opened"):
        Root(tmp_path / "nowhere")


def test_parse_cleans() -> None:
    assert parse("./a//b/") == "a/b"
    assert parse("") == parse(".") == ""
    assert parse("tüte/名") == "tüte/名"
