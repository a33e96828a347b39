"""What a repository's git files, or our own environment, can make an innocent git command do.

Each trap fires when plain git is used as a person would use it: that is its positive control. None
does when the engine looks at the repository, copies it, or applies a patch to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools import git
from tools.workspace import Workspace

pytestmark = pytest.mark.usefixtures("git_identity")
Set = Callable[["Trap"], None]


@dataclass(frozen=True)
class Trap:
    """A repository with one commit, a program that leaves a mark, and what lies outside."""

    root: Path
    program: Path
    outside: Path

    def run(self, *words: str, cwd: Path | None = None) -> None:
        subprocess.run(["git", *words], cwd=cwd or self.root, check=True, capture_output=True)

    def config(self, **settings: str) -> None:
        for key, value in settings.items():
            self.run("config", key.replace("__", "."), value)

    def attributes(self, text: str) -> None:
        (self.root / ".gitattributes").write_text(text)
        (self.root / "a.py").write_text("x = 3\n")


@dataclass(frozen=True)
class Kind:
    lay: Set
    fire: tuple[str, ...]
    """The git command that sets it off."""
    terminal: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def hook(name: str) -> Set:
    def lay(trap: Trap) -> None:
        place = trap.root / ".git" / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        shutil.copy(trap.program, place)

    return lay


def included(section: str) -> Set:
    """Settings in a file that the repository's configuration includes."""

    def lay(trap: Trap) -> None:
        (trap.root / "extra").write_text(f"[core]\n\tfsmonitor = {trap.program}\n")
        with (trap.root / ".git" / "config").open("a") as file:
            file.write(f"[{section}]\n\tpath = {trap.root}/extra\n")

    return lay


def worktree_settings(trap: Trap) -> None:
    trap.config(extensions__worktreeConfig="true")
    (trap.root / ".git" / "config.worktree").write_text(f"[core]\n\tfsmonitor = {trap.program}\n")


def filtered(kind: str) -> Set:
    def lay(trap: Trap) -> None:
        trap.run("config", f"filter.evil.{kind}", str(trap.program))
        trap.attributes("* filter=evil\n")

    return lay


def textconv(trap: Trap) -> None:
    trap.run("config", "diff.evil.textconv", str(trap.program))
    trap.attributes("* diff=evil\n")


def external(trap: Trap) -> None:
    trap.run("config", "diff.external", str(trap.program))
    trap.attributes("\n")


def merging(trap: Trap) -> None:
    trap.run("config", "merge.evil.driver", str(trap.program))
    trap.attributes("* merge=evil\n")
    trap.run("add", ".")
    trap.run("commit", "-qm", "ours")
    trap.run("checkout", "-q", "-b", "side", "HEAD~1")
    (trap.root / "a.py").write_text("x = 4\n")
    (trap.root / ".gitattributes").write_text("* merge=evil\n")
    trap.run("add", ".")
    trap.run("commit", "-qm", "theirs")


def submodule(trap: Trap) -> None:
    (trap.root / "sub").mkdir()
    trap.run("init", "-q", cwd=trap.root / "sub")
    config = trap.root / "sub" / ".git" / "config"
    with config.open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {trap.program}\n")
    trap.run("commit", "-q", "--allow-empty", "-m", "x", cwd=trap.root / "sub")
    trap.run("-c", "advice.addEmbeddedRepo=false", "add", "sub")
    (trap.root / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = -u./evil\n')


def bare_repository(trap: Trap) -> None:
    """A folder that git takes for a repository of its own."""
    folder = trap.root / "src"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(trap.root / ".git", folder)
    with (folder / "config").open("w") as file:
        file.write(f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = {trap.program}\n")


def git_file(trap: Trap) -> None:
    """`.git` is a file that leads to a repository elsewhere."""
    elsewhere = trap.outside / "elsewhere"
    shutil.move(trap.root / ".git", elsewhere)
    with (elsewhere / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {trap.program}\n")
    (trap.root / ".git").write_text(f"gitdir: {elsewhere}\n")


def linked_folder(trap: Trap) -> None:
    """`.git` is a link that leads to a repository elsewhere."""
    elsewhere = trap.outside / "elsewhere"
    shutil.move(trap.root / ".git", elsewhere)
    with (elsewhere / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {trap.program}\n")
    (trap.root / ".git").symlink_to(elsewhere)


def fetching(trap: Trap) -> None:
    """A missing object is fetched by whatever program the address names."""
    trap.config(
        remote__origin__url=f"ext::{trap.program}",
        remote__origin__promisor="true",
        extensions__partialClone="origin",
        protocol__ext__allow="always",
    )
    done = subprocess.run(
        ["git", "rev-parse", "HEAD:a.py"], cwd=trap.root, check=True, capture_output=True, text=True
    )
    name = done.stdout.strip()
    (trap.root / ".git" / "objects" / name[:2] / name[2:]).unlink()


def simple(**settings: str) -> Set:
    def lay(trap: Trap) -> None:
        named = {
            key: value.format(program=trap.program, outside=trap.outside)
            for key, value in settings.items()
        }
        trap.config(**named)

    return lay


def nothing(_: Trap) -> None:
    """The trap lies in the environment alone."""


KINDS = {
    "pre-commit hook": Kind(hook("pre-commit"), ("commit", "-q", "--allow-empty", "-m", "x")),
    "post-checkout hook": Kind(hook("post-checkout"), ("checkout", "-q", "HEAD")),
    "post-index-change hook": Kind(hook("post-index-change"), ("update-index", "--refresh", "-q")),
    "reference-transaction hook": Kind(
        hook("reference-transaction"), ("update-ref", "refs/x", "HEAD")
    ),
    "hooks elsewhere": Kind(
        simple(core__hooksPath="{outside}"), ("commit", "-q", "--allow-empty", "-m", "x")
    ),
    "fsmonitor": Kind(simple(core__fsmonitor="{program}"), ("status",)),
    "fsmonitor in an included file": Kind(included("include"), ("status",)),
    "fsmonitor in a file included for this folder": Kind(
        included('includeIf "gitdir:**"'), ("status",)
    ),
    "fsmonitor of the work tree": Kind(worktree_settings, ("status",)),
    "clean filter": Kind(filtered("clean"), ("add", "a.py")),
    "smudge filter": Kind(filtered("smudge"), ("checkout", "-q", "-f", "HEAD", "--", "a.py")),
    "filter process": Kind(filtered("process"), ("add", "a.py")),
    "textconv": Kind(textconv, ("diff",)),
    "textconv in the log": Kind(textconv, ("blame", "a.py")),
    "external diff": Kind(external, ("diff",)),
    "merge driver": Kind(merging, ("merge", "-q", "trunk")),
    "pager": Kind(simple(core__pager="{program}"), ("-p", "log"), terminal=True),
    "alias": Kind(simple(alias__st="!{program}"), ("st",)),
    "editor": Kind(simple(core__editor="{program}"), ("commit", "--allow-empty"), terminal=True),
    "signing program": Kind(
        simple(gpg__program="{program}", commit__gpgSign="true"),
        ("commit", "-q", "--allow-empty", "-m", "x"),
    ),
    "ssh command": Kind(
        simple(core__sshCommand="{program}", remote__origin__url="ssh://localhost/x"), ("fetch",)
    ),
    "credential helper": Kind(
        simple(credential__helper="!{program}"), ("credential", "fill"),
    ),
    "address that is a program": Kind(
        simple(remote__origin__url="ext::{program}", protocol__ext__allow="always"), ("fetch",)
    ),
    "missing object": Kind(fetching, ("cat-file", "-p", "HEAD:a.py")),
    "submodule with settings": Kind(submodule, ("status",)),
    "folder that is a repository": Kind(bare_repository, ("-C", "src", "--git-dir=.", "status")),
    "git file that leads elsewhere": Kind(git_file, ("status",)),
    "git link that leads elsewhere": Kind(linked_folder, ("status",)),
    "GIT_EXTERNAL_DIFF": Kind(external, ("diff",), environment={"GIT_EXTERNAL_DIFF": "{program}"}),
    "GIT_CONFIG_COUNT": Kind(
        nothing,
        ("status",),
        environment={
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": "{program}",
        },
    ),
    "GIT_CONFIG_PARAMETERS": Kind(
        nothing, ("status",), environment={"GIT_CONFIG_PARAMETERS": "'core.fsmonitor={program}'"}
    ),
    "GIT_CONFIG_GLOBAL": Kind(
        nothing, ("status",), environment={"GIT_CONFIG_GLOBAL": "{outside}/global"}
    ),
    "GIT_SSH_COMMAND": Kind(
        simple(remote__origin__url="ssh://localhost/x"),
        ("fetch",),
        environment={"GIT_SSH_COMMAND": "{program}"},
    ),
    "GIT_EDITOR": Kind(
        nothing, ("commit", "--allow-empty"), terminal=True, environment={"GIT_EDITOR": "{program}"}
    ),
    "GIT_ASKPASS": Kind(nothing, ("credential", "fill"), environment={"GIT_ASKPASS": "{program}"}),
    "GIT_TEMPLATE_DIR": Kind(
        nothing,
        ("clone", "-q", ".", "../clone"),
        environment={"GIT_TEMPLATE_DIR": "{outside}/template"},
    ),
    "GIT_EXEC_PATH": Kind(nothing, ("evil",), environment={"GIT_EXEC_PATH": "{outside}/bin"}),
    "PATH": Kind(nothing, ("evil",), environment={"PATH": "{outside}/bin:/usr/bin:/bin"}),
}  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    root, outside = tmp_path / "repo", tmp_path / "beyond"
    (outside / "bin").mkdir(parents=True)
    (outside / "template" / "hooks").mkdir(parents=True)
    program = outside / "pre-commit"
    # It eats what it is asked, so that nobody waits for it or dies writing to it.
    program.write_text(f"#!/bin/sh\ntouch '{outside}/fired'\ncat >/dev/null 2>&1 </dev/null\n")
    program.chmod(0o755)
    shutil.copy(program, outside / "bin" / "git-evil")
    shutil.copy(program, outside / "template" / "hooks" / "post-checkout")
    (outside / "global").write_text(f"[core]\n\tfsmonitor = {program}\n")
    root.mkdir()
    made = Trap(root, program, outside)
    made.run("init", "-q", "-b", "trunk")
    (root / "a.py").write_text("x = 1\n")
    (root / "src").mkdir()
    (root / "src" / "b.py").write_text("y = 1\n")
    made.run("add", ".")
    made.run("commit", "-qm", "first")
    (root / "a.py").write_text("x = 2\n")
    made.run("commit", "-qam", "second")
    return made


def engine(trap: Trap, run: Path) -> None:
    """Everything that a run does with the user's repository."""
    for place in (trap.root, trap.root / "src"):
        git.facts(place)
        git.tracked_files(place)
        git.ignored_files(place)
        git.last_changed(place)
    workspace = Workspace.create(trap.root, run)
    workspace.write("a.py", "x = 9\n")
    workspace.apply(["a.py"])
    workspace.undo()
    workspace.close()


@pytest.mark.parametrize("name", KINDS)
def test_the_engine_sets_off_no_trap(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind, fired = KINDS[name], trap.outside / "fired"
    kind.lay(trap)
    fired.unlink(missing_ok=True)
    for key, value in kind.environment.items():
        monkeypatch.setenv(key, value.format(program=trap.program, outside=trap.outside))
    engine(trap, tmp_path / "run")
    assert not fired.exists()
    command = ["git", *kind.fire]
    if kind.terminal:
        command = ["script", "-qec", " ".join(command), "/dev/null"]
    subprocess.run(
        command,
        cwd=trap.root,
        input=b"protocol=https\nhost=localhost\n\n" if "credential" in command else b"",
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    assert fired.exists(), "positive control: plain git sets it off"


def test_objects_of_another_repository_are_not_copied(trap: Trap, tmp_path: Path) -> None:
    """`objects/info/alternates` may name any folder of the machine."""
    other = trap.outside / "other"
    shutil.copytree(trap.root, other)
    (other / "secret.txt").write_text("the-secret\n")
    trap.run("add", ".", cwd=other)
    trap.run("commit", "-qm", "secret", cwd=other)
    name = subprocess.run(
        ["git", "rev-parse", "HEAD:secret.txt"],
        cwd=other,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (trap.root / ".git" / "objects" / "info" / "alternates").write_text(f"{other}/.git/objects\n")
    shown = subprocess.run(
        ["git", "cat-file", "-p", name], cwd=trap.root, capture_output=True, check=True
    )
    assert b"the-secret" in shown.stdout, "positive control: git reads them"
    engine(trap, tmp_path / "run")
    copied = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b"the-secret" not in copied
    assert b"x = 2" in copied


def test_attributes_change_no_byte_of_what_is_copied_and_applied(
    trap: Trap, tmp_path: Path
) -> None:
    """Line ends, LFS and encodings that git would convert stay as they are on disk."""
    (trap.root / ".gitattributes").write_text(
        "* text=auto eol=crlf\n*.bin filter=lfs diff=lfs merge=lfs\n"
        "*.u16 working-tree-encoding=UTF-16\n"
    )
    odd = {"unix.py": b"a\nb\n", "dos.py": b"a\r\nb\r\n", "x.bin": b"\0\1"}
    odd["x.u16"] = b"\xff\xfea\0"
    for name, content in odd.items():
        (trap.root / name).write_bytes(content)
    workspace = Workspace.create(trap.root, tmp_path / "run")
    assert {name: (workspace.root / name).read_bytes() for name in odd} == odd
    workspace.write("unix.py", "a\nc\n")
    workspace.write("dos.py", "a\r\nc\r\n")
    workspace.apply(["unix.py", "dos.py"])
    workspace.close()
    assert (trap.root / "unix.py").read_bytes() == b"a\nc\n"
    assert (trap.root / "dos.py").read_bytes() == b"a\r\nc\r\n"
    trap.run("checkout", "-q", "--", "a.py")
    (trap.root / "a.py").unlink()
    trap.run("checkout", "-q", "--", "a.py")
    assert b"\r\n" in (trap.root / "a.py").read_bytes(), "positive control: git converts"
