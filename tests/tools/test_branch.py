"""A commit on a new branch, in repositories that try to take part in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import branch
from tools.branch import NoBranch, Person

pytestmark = pytest.mark.usefixtures("git_identity")

BEFORE, AFTER = b"x = 1\n", b"x = 2\n"
ADA = Person("Ada Tester", "ada@example.org")


def run(path: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    (path / "src").mkdir(parents=True)
    run(path, "init", "-q", "-b", "trunk")
    (path / "src" / "a b.py").write_bytes(BEFORE)
    (path / "src" / "run.sh").write_bytes(BEFORE)
    (path / "src" / "run.sh").chmod(0o755)
    (path / "other.txt").write_text("kept\n")
    run(path, "add", ".")
    run(path, "commit", "-q", "-m", "first")
    return path


def state(path: Path) -> tuple[object, ...]:
    """What must be the same before and after: index, HEAD, files and configuration."""
    files = {p: p.read_bytes() for p in path.rglob("*") if p.is_file() and ".git" not in p.parts}
    index, config = (path / ".git/index").read_bytes(), (path / ".git/config").read_bytes()
    return files, index, config, run(path, "rev-parse", "HEAD"), run(path, "status", "--short")


def test_a_commit_holds_the_changes_and_nothing_of_the_user_moves(repository: Path) -> None:
    (repository / "other.txt").write_text("mine, not committed\n")
    (repository / "staged.txt").write_text("mine, staged\n")
    run(repository, "add", "staged.txt")
    before = state(repository)
    changes = {
        "src/a b.py": (BEFORE, AFTER),
        "src/run.sh": (BEFORE, AFTER),
        "src/new.py": (None, b"y = 1\n"),
        "other.txt": (b"kept\n", None),
    }
    made = branch.commit(repository, "fix/x", changes, "Mend x\n\nWhy.\n", ADA)
    assert state(repository) == before
    assert run(repository, "rev-parse", "fix/x", "fix/x~1").split() == [
        made,
        run(repository, "rev-parse", "HEAD"),
    ]
    assert run(repository, "diff", "--name-status", "HEAD", "fix/x").split("\n") == [
        "D\tother.txt",
        "M\tsrc/a b.py",
        "A\tsrc/new.py",
        "M\tsrc/run.sh",
    ]
    assert run(repository, "show", "fix/x:src/a b.py") == "x = 2"
    assert run(repository, "ls-tree", "fix/x", "src/run.sh").startswith("100755 ")
    assert run(repository, "log", "-1", "--format=%an <%ae> %s", "fix/x") == (
        "Ada Tester <ada@example.org> Mend x"
    )
    assert branch.message(repository, made) == "Mend x\n\nWhy.\n"
    assert branch.tip(repository, "fix/x") == made
    run(repository, "fsck", "--strict")


def test_a_folder_inside_its_repository(repository: Path) -> None:
    branch.commit(repository / "src", "fix", {"a b.py": (BEFORE, AFTER)}, "m\n", ADA)
    assert run(repository, "diff", "--name-only", "HEAD", "fix") == "src/a b.py"


def test_line_ends_are_stored_as_the_repository_stores_them(repository: Path) -> None:
    changes = {"src/a b.py": (BEFORE.replace(b"\n", b"\r\n"), AFTER.replace(b"\n", b"\r\n"))}
    branch.commit(repository, "fix", changes, "m\n", ADA)
    done = subprocess.run(
        ["git", "cat-file", "blob", "fix:src/a b.py"], cwd=repository, capture_output=True
    )
    assert done.stdout == AFTER


@pytest.mark.parametrize(
    ("file", "pair", "word"),
    [
        ("src/a b.py", (b"x = 1 # mine\n", AFTER), "changes that are not committed"),
        ("untracked.py", (BEFORE, AFTER), "is not committed"),
        ("link", (BEFORE, AFTER), "no ordinary file"),
        ("src", (BEFORE, AFTER), "no ordinary file"),
    ],
)
def test_what_is_not_committed_is_never_carried_along(
    repository: Path, file: str, pair: tuple[bytes, bytes], word: str
) -> None:
    (repository / "link").symlink_to("other.txt")
    run(repository, "add", "link")
    run(repository, "commit", "-qm", "link")
    with pytest.raises(NoBranch, match=word):
        branch.commit(repository, "fix", {file: pair}, "m\n", ADA)
    assert branch.tip(repository, "fix") == ""


@pytest.mark.parametrize(
    "name",
    [
        "-d",
        "--force",
        "a..b",
        "a b",
        "",
        "x.lock",
        "@{-1}",
        "a\nb",
        "../../config",
        "HEAD~1",
        "trunk",
    ],
)
def test_names_that_are_none_or_taken(repository: Path, name: str) -> None:
    before = run(repository, "for-each-ref")
    with pytest.raises(NoBranch):
        branch.commit(repository, name, {"src/a b.py": (BEFORE, AFTER)}, "m\n", ADA)
    assert run(repository, "for-each-ref") == before


def test_no_repository_and_no_commit(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NoBranch, match="no git repository"):
        branch.check(empty, "fix")
    run(empty, "init", "-q")
    with pytest.raises(NoBranch, match="no commit yet"):
        branch.check(empty, "fix")


def test_nothing_that_the_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    """Hooks, signing, filters and monitors of the repository; each runs for plain git."""
    said = tmp_path / "said"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{said}"\nexit 1\n')
    program.chmod(0o755)
    for hook in ("pre-commit", "commit-msg", "post-commit", "reference-transaction",
                 "post-index-change", "prepare-commit-msg"):  # fmt: skip
        (repository / ".git/hooks" / hook).symlink_to(program)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for key, value in (
        ("commit.gpgSign", "true"),
        ("gpg.program", str(program)),
        ("core.fsmonitor", str(program)),
        ("core.editor", str(program)),
        ("filter.evil.clean", str(program)),
        ("filter.evil.smudge", str(program)),
        ("alias.commit-tree", f"!{program}"),
        ("core.hooksPath", str(repository / ".git/hooks")),
    ):
        run(repository, "config", key, value)
    branch.commit(repository, "fix", {"src/a b.py": (BEFORE, AFTER)}, "m\n", ADA)
    assert not said.exists()
    assert "gpgsig" not in run(repository, "cat-file", "commit", "fix")
    plain = subprocess.run(["git", "commit", "-aqm", "x"], cwd=repository, capture_output=True)
    assert plain.returncode != 0
    assert said.exists(), "positive control: plain git runs them"


def test_the_author_is_who_git_says(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert branch.person(repository) == ADA
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(name)
    assert branch.person(repository) == Person("locum", "locum@localhost")
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\n\tname = Grace\n\temail = grace@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert branch.person(repository) == Person("Grace", "grace@example.org")
