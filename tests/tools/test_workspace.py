"""The copy, its diffs, and the way back to the user's tree."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.apply import Change, Journal, digest
from tools.errors import ApplyConflict, ToolsError, UnusableRepository
from tools.workspace import Workspace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "a.py").write_text("x = 1\ny = 2\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    return root


@pytest.fixture
def workspace(source: Path, tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace.create(source, tmp_path / "home")
    yield made
    made.close()


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_copies_modes_links_and_bytes(source: Path, tmp_path: Path) -> None:
    (source / "latin.py").write_bytes(b"# caf\xe9\r\n\0")
    (source / "link").symlink_to("pkg/a.py")
    (source / "away").symlink_to("/etc/passwd")
    (source / "empty").mkdir()
    workspace = Workspace.create(source, tmp_path / "home")
    assert workspace.root.name == "repo"
    assert (workspace.root / "latin.py").read_bytes() == b"# caf\xe9\r\n\0"
    assert stat.S_IMODE((workspace.root / "run.sh").stat().st_mode) == 0o755
    assert (workspace.root / "link").readlink() == Path("pkg/a.py")
    assert (workspace.root / "away").readlink() == Path("/etc/passwd")
    assert (workspace.root / "empty").is_dir()


@pytest.mark.parametrize(
    "name", [".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "odd-env"]
)
def test_leaves_out_what_is_no_source(source: Path, tmp_path: Path, name: str) -> None:
    for folder in (source / name, source / "pkg" / name):
        folder.mkdir()
        (folder / "file").write_text("")
        (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    workspace = Workspace.create(source, tmp_path / "home")
    assert not (workspace.root / name).exists()
    assert not (workspace.root / "pkg" / name).exists()
    assert (workspace.root / "pkg" / "a.py").exists()


def test_skips_fifos_and_sockets(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
        workspace = Workspace.create(source, tmp_path / "home")
    assert set(workspace.manifest.skipped) == {"fifo", "socket"}
    assert not (workspace.root / "fifo").exists()


def test_a_missing_path_and_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRepository, match="does not exist"):
        Workspace.create(tmp_path / "nowhere", tmp_path / "home")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableRepository, match="is not a directory"):
        Workspace.create(tmp_path / "file", tmp_path / "home")


def test_a_home_inside_the_repository_is_refused(source: Path) -> None:
    with pytest.raises(UnusableRepository, match="inside"):
        Workspace.create(source, source / "home")


NUMBERS = b"".join(b"%d\n" % n for n in range(5000))
CONTENTS: list[tuple[bytes | None, bytes | None]] = [
    (b"a\nb\nc\n", b"a\nB\nc\n"),
    (b"a\nb", b"a\nc"),
    (b"a\nb", b"a\nb\n"),
    (b"a\nb\n", b"a\nb"),
    (b"a\r\nb\r\n", b"a\r\nc\r\n"),
    (b"a\rb\n", b"a\rc\n"),
    (b"x\x0cy\n", b"x\x0cz\n"),
    (None, b"new\n"),
    (None, b"new"),
    (None, b""),
    (b"old\n", None),
    (b"", None),
    (b"", b"x\n"),
    (b"x\n", b""),
    (b"caf\xe9\n", b"th\xe9\n"),
    (NUMBERS, b"".join(b"%d\n" % (n * (n % 20)) for n in range(5000))),
    (NUMBERS, NUMBERS.replace(b"2500", b"-1")[:-1]),
]


@pytest.mark.parametrize("name", ["f.py", "with space.py", 'quo"te\\.py', "tüte.py", "d/e/f.py"])
@pytest.mark.parametrize(("before", "after"), CONTENTS)
def test_git_applies_the_patch(
    tmp_path: Path, name: str, before: bytes | None, after: bytes | None
) -> None:
    source = tmp_path / "repo"
    source.mkdir()
    (source / "other").write_text("")
    if before is not None:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(before)
    workspace = Workspace.create(source, tmp_path / "home")
    if after is None:
        workspace.remove(name)
    else:
        workspace.write(name, after.decode("utf-8", "surrogateescape"))
    git = ["git", "-c", "core.autocrlf=false", "apply", "-"]
    subprocess.run(git, cwd=source, input=workspace.patch(), check=True)
    assert ((source / name).read_bytes() if after is not None else None) == after
    assert (source / name).exists() == (after is not None)


def test_reset_goes_back_to_the_baseline_and_diff_between_compares(workspace: Workspace) -> None:
    workspace.write("pkg/a.py", "x = 2\n")
    workspace.write("new.py", "")
    workspace.reset({"pkg/a.py": "x = 3\n"})
    assert (workspace.root / "pkg/a.py").read_text() == "x = 3\n"
    assert not (workspace.root / "new.py").exists()
    between = workspace.diff_between({"pkg/a.py": "x = 3\n"}, {"pkg/a.py": "x = 4\n"})
    assert "-x = 3" in between
    assert "+x = 4" in between
    workspace.reset()
    assert workspace.changed() == {}
    assert workspace.diff() == ""
    assert (workspace.root / "pkg/a.py").read_text() == "x = 1\ny = 2\n"


def test_two_contents_of_one_size_never_share_a_second(workspace: Workspace) -> None:
    times = set()
    for value in range(5):
        workspace.write("pkg/a.py", f"x = {value}\n")
        times.add(int((workspace.root / "pkg/a.py").stat().st_mtime))
    assert len(times) == 5


def test_what_a_test_run_writes_is_in_no_diff_and_can_be_undone(workspace: Workspace) -> None:
    workspace.write("pkg/a.py", "x = 2\n")
    root = workspace.root
    (root / "pkg/a.py").write_text("forged\n")
    (root / "run.sh").write_text("forged\n")
    (root / "conftest.py").write_text("forged\n")
    (root / "made" / "deep").mkdir(parents=True)
    assert workspace.changed() == {"pkg/a.py": (b"x = 1\ny = 2\n", b"x = 2\n")}
    assert workspace.read("pkg/a.py") == "x = 2\n"
    assert workspace.restore() == ("conftest.py", "made", "pkg/a.py", "run.sh")
    assert (root / "pkg/a.py").read_text() == "x = 2\n"
    assert (root / "run.sh").read_text() == "#!/bin/sh\n"
    assert not (root / "conftest.py").exists()
    assert workspace.restore() == ()


def test_a_planted_link_is_replaced_and_never_written_through(
    workspace: Workspace, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (workspace.root / "pkg" / "a.py").unlink()
    (workspace.root / "pkg" / "a.py").symlink_to(victim)
    workspace.write("pkg/a.py", "x = 9\n")
    assert victim.read_text() == "mine"
    assert (workspace.root / "pkg" / "a.py").read_text() == "x = 9\n"


def test_a_planted_folder_link_is_never_followed(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (workspace.root / "pkg" / "a.py").unlink()
    (workspace.root / "pkg").rmdir()
    (workspace.root / "pkg").symlink_to(outside)
    workspace.reset({"pkg/a.py": "x = 9\n"})
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (workspace.root / "pkg" / "a.py").read_text() == "x = 9\n"


def test_a_hard_link_out_is_not_written_through(workspace: Workspace, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (workspace.root / "pkg" / "a.py").unlink()
    os.link(victim, workspace.root / "pkg" / "a.py")
    workspace.write("pkg/a.py", "x = 9\n")
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a\nb", "a\0b", "x" * 300])
def test_a_path_out_of_the_tree_is_refused(workspace: Workspace, path: str) -> None:
    before = snapshot(workspace.root.parent.parent)
    with pytest.raises(ToolsError):
        workspace.write(path, "x")
    assert snapshot(workspace.root.parent.parent) == before


def test_apply_changes_the_tree_keeps_modes_and_leaves_nothing_else(
    workspace: Workspace, source: Path
) -> None:
    workspace.write("run.sh", "#!/bin/sh\necho\n")
    workspace.write("deep/er/new.py", "n\n")
    workspace.write("pkg/a.py", "not approved\n")
    workspace.apply(["run.sh", "deep/er/new.py"])
    assert stat.S_IMODE((source / "run.sh").stat().st_mode) == 0o755
    assert set(snapshot(source)) == {"run.sh", "deep/er/new.py", "pkg/a.py"}
    assert (source / "run.sh").read_text() == "#!/bin/sh\necho\n"
    assert (source / "pkg/a.py").read_text() == "x = 1\ny = 2\n"
    workspace.apply(["run.sh", "deep/er/new.py"])  # a resumed run applies again


def test_undo_takes_back_every_apply_of_the_run(workspace: Workspace, source: Path) -> None:
    before = snapshot(source)
    workspace.write("run.sh", "changed\n")
    workspace.write("deep/er/new.py", "n\n")
    workspace.remove("pkg/a.py")
    workspace.apply(["run.sh", "deep/er/new.py"])
    workspace.apply(["pkg/a.py"])
    assert snapshot(source) != before
    workspace.undo()
    assert snapshot(source) == before
    assert not (source / "deep").exists()
    with pytest.raises(ToolsError, match="nothing that could be undone"):
        workspace.undo()


@pytest.mark.parametrize("deed", ["edit", "delete", "create", "link"])
def test_apply_refuses_when_the_user_changed_a_file(
    workspace: Workspace, source: Path, tmp_path: Path, deed: str
) -> None:
    workspace.write("run.sh", "changed\n")
    workspace.write("pkg/a.py", "changed\n")
    workspace.write("new.py", "new\n")
    if deed == "edit":
        (source / "pkg/a.py").write_text("mine\n")
    elif deed == "delete":
        (source / "pkg/a.py").unlink()
    elif deed == "create":
        (source / "new.py").write_text("mine\n")
    else:
        (source / "pkg").rename(tmp_path / "moved")
        (source / "pkg").symlink_to(tmp_path / "moved")
    before = snapshot(source)
    with pytest.raises(ApplyConflict):
        workspace.apply(["run.sh", "pkg/a.py", "new.py"])
    assert snapshot(source) == before


@pytest.mark.parametrize("place", ["pkg", "pkg/a.py"])
def test_a_read_only_place_is_left_alone(workspace: Workspace, source: Path, place: str) -> None:
    workspace.write("run.sh", "changed\n")
    workspace.write("pkg/a.py", "changed\n")
    (source / place).chmod(0o555)
    before = snapshot(source)
    try:
        with pytest.raises(ApplyConflict, match="read-only"):
            workspace.apply(["run.sh", "pkg/a.py"])
        assert snapshot(source) == before
    finally:
        (source / place).chmod(0o755)


@pytest.mark.parametrize("function", ["rename", "fsync", "fchmod", "write"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6, 7, 8])
def test_any_failure_rolls_everything_back(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch, function: str, nth: int
) -> None:
    for path in ("run.sh", "pkg/a.py", "d/new.py"):
        workspace.write(path, "changed\n")
    before = snapshot(source)
    real, count = getattr(os, function), 0

    def failing(*args: object, **kwargs: object) -> object:
        nonlocal count
        count += 1
        if count == nth:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(os, function, failing)
        try:
            workspace.apply(["run.sh", "pkg/a.py", "d/new.py"])
        except (ApplyConflict, OSError):
            assert count >= nth
    after = snapshot(source)
    assert after == before or all(content == b"changed\n" for _, content in after.values())


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("nth", range(1, 26))
def test_a_crash_at_any_moment_is_recovered(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    for path in ("run.sh", "d/new.py"):
        workspace.write(path, "changed\n")
    workspace.remove("pkg/a.py")
    before = snapshot(source)
    count = 0

    def dying(function: str) -> object:
        real = getattr(os, function)

        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count >= nth:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for function in ("rename", "fsync", "unlink", "mkdir"):
            patched.setattr(os, function, dying(function))
        try:
            workspace.apply(["run.sh", "pkg/a.py", "d/new.py"])
        except Killed:
            assert count >= nth
    again = Workspace.open(source.parent / "home")
    patched_fully = again.recover()
    after = snapshot(source)
    if patched_fully:
        assert set(after) == {"run.sh", "d/new.py"}
        assert all(content == b"changed\n" for _, content in after.values())
    else:
        assert after == before


def test_recovery_rolls_back_when_the_user_changed_a_file_since(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a", "b"):
        (tree / name).write_text("old")
    journal = Journal(tmp_path / "journal", tree)
    changes = [Change(path=name, before=digest(b"old"), after=digest(b"new")) for name in "ab"]
    journal.apply(changes, [b"old", b"new"])
    record = tmp_path / "journal" / "journal.json"
    record.write_text(record.read_text().replace('"done"', '"prepared"'))
    (tree / "b").write_text("mine")
    assert journal.recover() is False
    assert ((tree / "a").read_text(), (tree / "b").read_text()) == ("old", "mine")


def test_only_changed_files_can_be_applied(workspace: Workspace) -> None:
    with pytest.raises(ToolsError, match="was not changed"):
        workspace.apply(["run.sh"])


def test_open_resumes_with_the_repository_as_it_was(workspace: Workspace, source: Path) -> None:
    (workspace.root / "run.sh").write_text("tampered")
    (source / "run.sh").write_text("changed meanwhile")
    again = Workspace.open(source.parent / "home")
    assert (again.root / "run.sh").read_text() == "#!/bin/sh\n"
    assert again.source == source
    with pytest.raises(ToolsError, match="no workspace"):
        Workspace.open(source)
