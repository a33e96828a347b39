"""`agent fix --branch --pr`: a commit beside the user's work, and a pull request for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent.cli import main
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("git_identity", "few_edits")

BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_second():\n    assert larger(5, 9) == 9\n"
)
GH = """#!/bin/sh
printf '%s\\n' "$PWD" "$@" > "{log}"
cat "$(echo "$*" | sed 's/.*--body-file \\([^ ]*\\).*/\\1/')" > "{log}.body"
{end}
"""
Fix = Callable[..., Result]


def git(path: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def fix(
    home: Path, serve: Callable[[FakeEngine], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> Fix:
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)

    def run(*arguments: str | Path) -> Result:
        words = ["fix", *map(str, arguments), "--only", "bugs", "--endpoint", served.base_url]
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)
    git(root, "init", "-q", "-b", "trunk")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root


@pytest.fixture
def forge(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository that the user's git reaches under an address of a forge."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "{bare}"]\n\tinsteadOf = https://forge.example/team/calc.git\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    git(repo, "remote", "add", "origin", "https://forge.example/team/calc.git")
    git(repo, "push", "-q", "-u", "origin", "trunk")
    return bare


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Installs a `gh` that ends as told; gives the file that its words are in."""

    def install(end: str) -> Path:
        folder, log = tmp_path / "bin", tmp_path / "gh.log"
        folder.mkdir()
        (folder / "gh").write_text(GH.format(log=log, end=end))
        (folder / "gh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return log

    return install


def untouched(repo: Path) -> tuple[object, ...]:
    index = (repo / ".git/index").read_bytes()
    return index, git(repo, "status", "--short"), git(repo, "rev-parse", "HEAD"), BUGGY


def test_the_patch_becomes_a_commit_beside_the_users_work(
    fix: Fix, repo: Path, tmp_path: Path
) -> None:
    (repo / "notes.py").write_text("# mine\n")
    before = untouched(repo)
    report_file = tmp_path / "r.json"
    result = fix(repo, "--yes", "--branch", "fix/larger", "--json", report_file)
    assert result.exit_code == 0, result.output
    assert untouched(repo) == before
    assert (repo / "calc.py").read_text() == BUGGY
    assert git(repo, "diff", "--name-only", "trunk", "fix/larger") == "calc.py"
    report = json.loads(report_file.read_text())
    assert report["branch"] == "fix/larger"
    assert report["commit"] == git(repo, "rev-parse", "fix/larger")
    assert report["applied"] == ["calc.py"]
    assert "on branch `fix/larger`" in result.stdout
    text = git(repo, "log", "-1", "--format=%B", "fix/larger")
    assert text.startswith("Fix larger in calc.py; 2 of 2 tests pass, 0 before\n\n- calc.py:1: ")
    assert "The tests ran with changes that are not committed: notes.py." in " ".join(text.split())
    trailers = git(repo, "log", "-1", "--format=%(trailers:only)", "fix/larger").split("\n")
    assert trailers[:2] == ["Tests-Before: 0 of 2 pass", "Tests-After: 2 of 2 pass"]
    assert trailers[-1] == f"Locum-Run: {report['run_id']}"
    assert all(len(line) <= 72 for line in text.splitlines()[:-4])


def test_a_mend_that_builds_on_uncommitted_lines_is_left(fix: Fix, repo: Path) -> None:
    (repo / "calc.py").write_text(f'"""Mine."""\n\n\n{BUGGY}')
    result = fix(repo, "--yes", "--branch", "fix")
    assert result.exit_code == 3, result.output
    assert "changes that are not committed" in result.stdout
    assert git(repo, "branch", "--format=%(refname:short)") == "trunk"


def test_requests_that_cannot_be_met_are_refused_at_once(
    fix: Fix, repo: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "test_x.py").write_text("def test_x():\n    assert False\n")
    for words, said in (
        ([repo, "--yes", "--branch", "trunk"], "There is a branch trunk already"),
        ([repo, "--yes", "--branch", "a..b"], "is no name for a branch"),
        ([plain, "--yes", "--branch", "fix"], "is in no git repository"),
        ([repo, "--dry-run", "--branch", "fix"], "--dry-run commits nothing"),
        ([repo, "--dry-run", "--pr"], "--dry-run commits nothing"),
    ):
        result = fix(*words)
        assert result.exit_code == 2, result.output
        assert said in result.stderr


def test_a_pull_request_is_opened_with_the_summary_as_its_text(
    fix: Fix, repo: Path, forge: Path, gh: Callable[[str], Path]
) -> None:
    log = gh("echo Creating >&2; echo https://forge.example/team/calc/pull/7")
    hook = repo / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    result = fix(repo, "--yes", "--branch", "fix/larger", "--pr")
    assert result.exit_code == 0, result.output
    assert "Pull request: https://forge.example/team/calc/pull/7" in result.stderr
    assert git(forge, "rev-parse", "fix/larger") == git(repo, "rev-parse", "fix/larger")
    where, *words = log.read_text().splitlines()
    assert not Path(where).is_relative_to(repo), "gh runs git, which runs what a repository says"
    assert words[:8] == [
        *("pr", "create", "--repo", "forge.example/team/calc"),
        *("--head", "fix/larger", "--base", "trunk"),
    ]
    assert words[8:10] == ["--title", "Fix larger in calc.py; 2 of 2 tests pass, 0 before"]
    assert Path(f"{log}.body").read_text() in result.stdout


def test_a_program_that_refuses_is_told(
    fix: Fix, repo: Path, forge: Path, gh: Callable[[str], Path]
) -> None:
    gh("echo 'not logged in' >&2; exit 4")
    result = fix(repo, "--yes", "--pr")
    assert result.exit_code == 2, result.output
    assert "gh opened no pull request: not logged in" in result.stderr
    assert re.search(r"locum/fix-\d+-\d+", git(forge, "for-each-ref"))


def test_without_a_program_the_commands_are_printed_and_nothing_is_pushed(
    fix: Fix, repo: Path, forge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.pull_request.shutil", SimpleNamespace(which=lambda _: None))
    result = fix(repo, "--yes", "--branch", "fix", "--pr")
    assert result.exit_code == 0, result.output
    assert git(forge, "branch", "--list", "fix") == ""
    push, create = (line.strip() for line in result.stderr.splitlines()[-2:])
    assert push == f"git -C {repo} push origin fix"
    subprocess.run(push, shell=True, check=True, capture_output=True)
    assert git(forge, "branch", "--list", "fix") != ""
    assert create.startswith("gh pr create --repo forge.example/team/calc --head fix --base trunk")
    body = create.rpartition("--body-file ")[2]
    assert Path(body).read_text() in result.stdout
