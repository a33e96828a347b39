"""What a test run, or a hostile repository, leaves in the tree for the engine to stumble over.

Every plant takes the place of an ordinary file that all tools could handle a moment before.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from field import SECRET, Field, seen
from nesting import nest

from tools.errors import ToolsError
from tools.removal import remove_tree
from tools.sandbox import Sandbox
from tools.workspace import Workspace

ROOT_USER = os.geteuid() == 0


@dataclass(frozen=True)
class Plant:
    make: Callable[[Path, Path], None]
    """Gets the place of the ordinary file `pkg/target` and the folder outside."""
    path: str = "pkg/target"
    """What the tools are then asked for."""
    shows: bool = False
    """Reading it gives what it holds: the sandbox, not the tools, must keep it from being made."""


def link(target: str) -> Callable[[Path, Path], None]:
    return lambda place, outside: place.symlink_to(target.format(outside=outside))


def folder_link(target: str) -> Callable[[Path, Path], None]:
    def make(place: Path, outside: Path) -> None:
        shutil.rmtree(place.parent)
        place.parent.symlink_to(target.format(outside=outside))

    return make


def chain(place: Path, outside: Path) -> None:
    (place.parent / "one").symlink_to("two")
    (place.parent / "two").symlink_to(outside)
    place.symlink_to("one/secret")


def loop(place: Path, _outside: Path) -> None:
    place.symlink_to(place.name)


def bind_socket(place: Path, _outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))


def device(major: int, minor: int) -> Callable[[Path, Path], None]:
    def make(place: Path, _outside: Path) -> None:
        if ROOT_USER:
            os.mknod(place, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        else:  # nobody else can make one
            place.symlink_to("/dev/zero")

    return make


def sparse(place: Path, _outside: Path) -> None:
    with place.open("wb") as file:
        file.truncate(1 << 30)


def wide(place: Path, _outside: Path) -> None:
    for number in range(5_000):
        (place.parent / f"{number}.txt").touch()


def strange_names(place: Path, _outside: Path) -> None:
    (place.parent / "to nowhere").symlink_to(os.fsdecode(b"\xff"))
    for name in ("a\nb", "\x1b[2J", "\x1b]0;title\x07", "\u202egpj.py", "-rf", "@x", " ", "…" * 80):
        (place.parent / name).write_text("x\n")
    os.close(os.open(os.fsencode(place.parent) + b"/\xff\xfe", os.O_CREAT | os.O_WRONLY))


def temporaries(place: Path, outside: Path) -> None:
    """Every name that a temporary file is likely to get."""
    for name in (".target", ".target.tmp", "target~", ".target.new", "target.tmp", ".target.swp"):
        (place.parent / name).symlink_to(outside / "file")


def one_line_of_10_mb(place: Path, _outside: Path) -> None:
    place.write_text("x" * 10_000_000)


PLANTS = {
    "link to a file": Plant(link("{outside}/secret")),
    "relative link": Plant(link("../../../../outside/secret")),
    "link to a folder": Plant(link("{outside}"), "pkg/target/secret"),
    "link in the middle": Plant(folder_link("{outside}"), "pkg/secret"),
    "link in the middle, relative": Plant(folder_link("../../../outside"), "pkg/secret"),
    "link through /proc": Plant(link("/proc/self/root{outside}/secret")),
    "link to own files": Plant(link("/proc/self/fd"), "pkg/target/0"),
    "magic link to the root": Plant(link("/proc/self/root"), "pkg/target/etc/passwd"),
    "magic link to the working directory": Plant(link("/proc/self/cwd"), "pkg/target/README.md"),
    "chain of links": Plant(chain),
    "loop of links": Plant(loop),
    "link to nowhere, to be created": Plant(link("{outside}/new")),
    "link to a device": Plant(link("/dev/zero")),
    "link to the environment": Plant(link("/proc/self/environ")),
    "link to a sibling": Plant(link("../other")),
    "hard link": Plant(lambda p, o: os.link(o / "file", p), shows=True),
    "FIFO": Plant(lambda p, _: os.mkfifo(p)),
    "socket": Plant(bind_socket),
    "zero device": Plant(device(1, 5)),
    "terminal device": Plant(device(5, 0)),
    "folder in the way": Plant(lambda p, _: (p / "inner").mkdir(parents=True)),
    "file in the way": Plant(lambda p, _: p.write_text("x"), "pkg/target/below"),
    "sparse gigabyte": Plant(sparse),
    "line of 10 MB": Plant(one_line_of_10_mb, shows=True),
    "deep tree of long names": Plant(lambda p, _: nest(p.parent, "d" * 40, 400), "pkg"),
    "very deep tree": Plant(lambda p, _: nest(p.parent, "d", 3_000), "pkg"),
    "very wide tree": Plant(wide, "pkg"),
    "strange names": Plant(strange_names, "pkg"),
    "planted temporary files": Plant(temporaries, "pkg/target"),
    "unreadable file": Plant(lambda p, _: (p.write_text("x"), p.chmod(0))[0], shows=ROOT_USER),
    "read-only folder": Plant(lambda p, _: p.parent.chmod(0o555), "pkg/new"),
    "setuid file": Plant(lambda p, _: (p.write_text("x"), p.chmod(0o4755))[0], shows=True),
}


def within(seconds: float, act: Callable[[], object]) -> None:
    """A FIFO or a device makes a naive reader wait for ever: the test must not."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"


@pytest.fixture(autouse=True)
def cleared(tmp_path: Path) -> Iterator[None]:
    """pytest cannot remove a very deep tree, and would end with an error some runs later."""
    yield
    remove_tree(tmp_path)


@pytest.fixture
def source(source: Path) -> Path:
    (source / "pkg").mkdir()
    (source / "pkg" / "target").write_text("ordinary\n")
    (source / "other").write_text("other\n")
    return source


@pytest.mark.parametrize("name", PLANTS)
def test_a_plant_shows_nothing_and_leads_nowhere(field: Field, name: str) -> None:
    plant = PLANTS[name]
    place = field.root / "pkg" / "target"
    assert field.call("read_file", path="pkg/target").content == "ordinary\n"
    assert field.call("write_file", path="pkg/target", content="mine\n").ok
    place.unlink()
    plant.make(place, field.outside)

    def use() -> None:
        read = field.call("read_file", path=plant.path)
        texts = [
            read.content,
            field.call("list_files", path="", depth=20).content,
            field.call("search_code", pattern="e").content,
            field.call("search_code", pattern="e", path=plant.path).content,
            field.call("search_code", pattern="e+", regex=True).content,
            field.gateway.call("lint", {}).content,
        ]
        assert not any(SECRET in text or "\x1b" in text or "\u202e" in text for text in texts)
        assert not any("root:" in text or "PATH=" in text for text in texts)
        assert read.ok is False or plant.shows or plant.path == "pkg/target"
        field.call("write_file", path=plant.path, content="planted\n")
        field.workspace.restore()
        field.workspace.reset({"pkg/target": "again\n"})

    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            use()
        except BaseException as error:
            failures.append(error)

    within(60, guarded)
    assert not failures, failures
    assert field.untouched()
    assert place.read_text() == "again\n"
    assert not place.is_symlink()
    assert place.parent.resolve() == field.root.resolve() / "pkg"


IN_THE_SOURCE = ("link to a file", "relative link", "link to a folder", "link in the middle",
                 "link through /proc", "magic link to the root", "loop of links",
                 "link to nowhere, to be created", "hard link", "FIFO", "socket",
                 "strange names", "very deep tree", "very wide tree")  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_SOURCE)
def test_a_hostile_repository_is_copied_and_applied_to_safely(
    source: Path, outside: Path, tmp_path: Path, best_sandbox: Sandbox, name: str
) -> None:
    place = source / "pkg" / "target"
    place.unlink()
    PLANTS[name].make(place, outside)
    with_plant = seen(outside)
    made: list[Workspace] = []
    within(60, lambda: made.append(Workspace.create(source, tmp_path / "run")))
    (workspace,) = made
    field = Field.around(workspace, outside, best_sandbox)
    assert SECRET not in field.call("search_code", pattern="secret").content
    assert field.call("write_file", path="src/a.py", content="x = 2\n").ok
    workspace.apply(["src/a.py"])
    assert (source / "src/a.py").read_text() == "x = 2\n", "positive control: an ordinary file"
    wrote = field.call("write_file", path="pkg/target", content="planted\n")
    if wrote.ok and "pkg/target" in workspace.changed():
        try:
            workspace.apply(["pkg/target"])
        except ToolsError:
            assert not place.is_file() or place.is_symlink() or name == "link in the middle"
    assert seen(outside) == with_plant
    workspace.close()
