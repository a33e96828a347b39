"""`agent fix` on repositories good and bad: what it says, how it ends, what it leaves behind.

The model is a scripted one behind the real server: the bugs here are mended by typed edits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine
from suite import run_suite

from agent.cli import main
from runtime.client import Endpoint
from tools.lock import RepositoryLock

pytestmark = pytest.mark.usefixtures("few_edits")
Fix = Callable[..., Result]

BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
RIGHT = "def larger(a, b):\n    return a if a > b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_second():\n    assert larger(5, 9) == 9\n\n\n"
    "def test_equal():\n    assert larger(4, 4) == 4\n"
)


@pytest.fixture
def endpoint(serve: Callable[[FakeEngine], Endpoint], monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    return served


@pytest.fixture
def fix(home: Path, endpoint: Endpoint) -> Fix:
    def run(*arguments: str | Path) -> Result:
        words = ["fix", *map(str, arguments), "--endpoint", endpoint.base_url]
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def one_sentence(result: Result) -> str:
    """What was said on standard error: one line, and no trace."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("agent: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]


# -- good runs ---------------------------------------------------------------------------------


def test_a_bug_is_mended_and_reported(fix: Fix, repo: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "s.md", tmp_path / "r.json", tmp_path / "p.patch"]
    result = fix(
        repo, "--yes", "--summary", outputs[0], "--json", outputs[1], "--patch", outputs[2]
    )
    assert result.exit_code == 0, result.output
    assert (repo / "calc.py").read_text() != BUGGY
    assert (repo / "test_calc.py").read_text() == TESTS
    report = json.loads(outputs[1].read_text())
    assert report["schema_version"] == 1
    assert (report["before"]["passed"], report["after"]["passed"]) == (1, 3)
    assert "3 passed" in run_suite(repo).stdout
    assert report["applied"] == ["calc.py"]
    item = report["items"][0]
    assert 1 <= item["agreeing"] <= item["survivors"]
    assert 1 <= item["behaviours"] <= item["survivors"]
    assert outputs[0].read_text() in result.stdout
    assert outputs[2].read_text() == report["patch"]


def test_alternatives_are_listed_with_why_they_rank_lower(
    fix: Fix, repo: Path, tmp_path: Path
) -> None:
    report_file = tmp_path / "r.json"
    result = fix(repo, "--yes", "--candidates", "3", "--json", report_file)
    assert result.exit_code == 0, result.output
    item = json.loads(report_file.read_text())["items"][0]
    assert item["survivors"] > 2, "positive control: there are others"
    assert len(item["alternatives"]) == len(item["alternatives_why"]) == 2
    assert item["patch"] not in item["alternatives"]
    assert all("nats" in why and "changes 1 line" in why for why in item["alternatives_why"])
    assert "## Alternatives" in result.stdout
    assert "number 3: " in result.stdout


def test_without_candidates_no_alternative_is_listed(fix: Fix, repo: Path) -> None:
    result = fix(repo, "--yes")
    assert result.exit_code == 0, result.output
    assert "## Alternatives" not in result.stdout
    assert "In the model's words" in result.stdout


def test_the_explanation_can_be_left_out(
    fix: Fix, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_EXPLAIN", "false")
    result = fix(repo, "--yes")
    assert result.exit_code == 0, result.output
    assert "In the model's words" not in result.stdout


def test_a_dry_run_and_an_unwatched_run_change_nothing(fix: Fix, repo: Path) -> None:
    before = snapshot(repo)
    for arguments in (["--dry-run"], []):
        result = fix(repo, *arguments)
        assert result.exit_code == 3, result.output
        assert "Not applied" in result.stdout
        assert snapshot(repo) == before


def test_in_ci_ordinary_source_files_are_applied(
    fix: Fix, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = fix(repo)
    assert result.exit_code == 0, result.output
    assert (repo / "calc.py").read_text() != BUGGY


def test_in_ci_files_that_steer_the_tests_are_left_in_the_patch(
    fix: Fix, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    (repo / "calc.py").rename(repo / "noxfile.py")
    (repo / "test_calc.py").write_text(TESTS.replace("calc", "noxfile"))
    before = snapshot(repo)
    result = fix(repo)
    assert result.exit_code == 1, result.output
    assert snapshot(repo) == before


def test_a_person_at_the_terminal_decides(
    fix: Fix, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.cli.settings.approval", lambda *_: "ask")
    for answer, status in (("no", 3), ("once", 0)):
        asked: list[str] = []
        monkeypatch.setattr(
            "click.prompt", lambda text, a=answer, q=asked, **_: q.append(text) or a
        )
        result = fix(repo)
        assert [text.partition("?")[0] for text in asked] == ["Apply this patch"]
        assert result.exit_code == status, result.output
        assert str(repo / "calc.py") in result.stderr
        assert "1 of 3 passed before, 3 of 3 pass with the patch" in result.stderr
        assert ((repo / "calc.py").read_text() != BUGGY) is (answer == "once")


def test_tests_that_pass_already_need_no_model(home: Path, repo: Path) -> None:
    (repo / "calc.py").write_text(RIGHT)
    result = CliRunner().invoke(main, ["fix", str(repo), "--endpoint", "http://127.0.0.1:9/v1"])
    assert result.exit_code == 0, result.output
    assert "All 3 tests pass already" in result.output


def test_a_green_repository_is_tidied_only_when_all_is_asked_for(fix: Fix, repo: Path) -> None:
    (repo / "calc.py").write_text(f"import os\n\n\n{RIGHT}")
    before = snapshot(repo)
    assert fix(repo, "--yes").exit_code == 0
    assert snapshot(repo) == before
    result = fix(repo, "--yes", "--only", "all")
    assert result.exit_code == 0, result.output
    assert "import os" not in (repo / "calc.py").read_text()


def test_what_cannot_be_fixed_ends_with_status_1(fix: Fix, repo: Path) -> None:
    (repo / "test_calc.py").write_text("def test_never():\n    assert False\n")
    result = fix(repo, "--yes", "--budget", "10s")
    assert result.exit_code == 1, result.output
    assert "No fix found" in result.output


def test_another_command_works_by_its_exit_status(fix: Fix, repo: Path) -> None:
    check = "import calc, sys; sys.exit(calc.larger(3, 2) != 3)"
    (repo / "check.py").write_text(check)
    result = fix(repo, "--yes", "--test-cmd", f"{sys.executable} check.py")
    assert result.exit_code in (0, 1), result.output
    assert "Traceback" not in result.output


# -- unusual repositories ----------------------------------------------------------------------


def test_a_dirty_git_tree_keeps_the_users_own_changes(
    fix: Fix, repo: Path, git_identity: None
) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=repo, check=True, capture_output=True, text=True)
        return done.stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "start")
    (repo / "notes.txt").write_text("mine\n")
    (repo / "calc.py").write_text(f'"""My words."""\n\n\n{BUGGY}')
    index, head = (repo / ".git/index").read_bytes(), git("rev-parse", "HEAD")
    assert fix(repo, "--yes").exit_code == 0
    assert (repo / "calc.py").read_text().startswith('"""My words."""')
    assert (repo / "notes.txt").read_text() == "mine\n"
    assert ((repo / ".git/index").read_bytes(), git("rev-parse", "HEAD")) == (index, head)


def test_binary_and_undecodable_files_survive(fix: Fix, repo: Path) -> None:
    odd = {
        "latin.py": "# Grüße\nX = 'ä'\n".encode("latin-1"),
        "data.bin": bytes(range(256)) * 40,
        "nul.py": b"X = 1\n\0\n",
        "crlf.txt": b"a\r\nb\r\n",
    }
    for name, data in odd.items():
        (repo / name).write_bytes(data)
    assert fix(repo, "--yes").exit_code == 0
    assert {name: (repo / name).read_bytes() for name in odd} == odd


def test_a_source_file_of_5_mb_does_no_harm(fix: Fix, repo: Path) -> None:
    (repo / "huge.py").write_text("TABLE = [\n" + "    1234567890,\n" * 330_000 + "]\n")
    (repo / "test_calc.py").write_text(f"import huge\n{TESTS}")
    assert fix(repo, "--yes").exit_code == 0
    assert (repo / "calc.py").read_text() != BUGGY


def test_a_syntax_error_in_a_source_file_is_a_bug_to_fix(fix: Fix, repo: Path) -> None:
    (repo / "calc.py").write_text(RIGHT.replace("(a, b):", "(a, b)"))
    result = fix(repo, "--yes", "--budget", "60s")
    assert "calc.py" in result.output
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 0:
        compile((repo / "calc.py").read_text(), "calc.py", "exec")


def test_a_syntax_error_in_a_test_file_is_reported_and_the_rest_mended(
    fix: Fix, repo: Path
) -> None:
    broken = "def test_broken(:\n    pass\n"
    (repo / "test_broken.py").write_text(broken)
    result = fix(repo, "--yes")
    assert result.exit_code == 1, result.output
    assert "test_broken.py" in result.output
    assert (repo / "test_broken.py").read_text() == broken
    assert (repo / "calc.py").read_text() != BUGGY


def test_only_broken_test_files_are_unusable(fix: Fix, repo: Path) -> None:
    (repo / "test_calc.py").write_text("def test_broken(:\n    pass\n")
    result = fix(repo, "--yes")
    assert result.exit_code == 2, result.output


def test_a_function_that_hangs_is_a_bug_like_any_other(fix: Fix, repo: Path) -> None:
    (repo / "calc.py").write_text(
        "def larger(a, b):\n"
        "    count = 0\n"
        "    while count < 3:\n"
        "        count -= 1\n"
        "    return max(a, b)\n\n\n"
        "def smaller(a, b):\n"
        "    return min(a, b)\n"
    )
    (repo / "test_calc.py").write_text(
        "import calc\n\n\n"
        "def test_larger():\n    assert calc.larger(3, 2) == 3\n\n\n"
        "def test_smaller():\n    assert calc.smaller(3, 2) == 2\n"
    )
    result = fix(repo, "--yes", "--budget", "4m")
    assert result.exit_code == 0, result.output
    assert "1 of 2 passed before, 2 of 2 pass after" in result.stdout


# -- bad requests ------------------------------------------------------------------------------


def test_a_path_that_is_missing_a_file_or_empty(fix: Fix, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text("x = 1\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "calc.py").write_text(RIGHT)
    for path, word in (
        (tmp_path / "gone", "does not exist"),
        (file, "is not a directory"),
        (empty, "is empty"),
        (bare, "No tests"),
    ):
        result = fix(path, "--yes")
        assert result.exit_code == 2, result.output
        assert word in one_sentence(result)
    left = list((home / "state" / "runs").iterdir())
    assert len(left) == 1, "a run that cannot begin is none; one without tests was looked at"


def test_options_that_make_no_sense(fix: Fix, repo: Path) -> None:
    for arguments in (
        ["--yes", "--dry-run"],
        ["--budget", "soon"],
        ["--budget", "0"],
        ["--only", "nothing"],
        ["--candidates", "0"],
        ["--issue", "/no/such/file"],
    ):
        result = fix(repo, *arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert "Traceback" not in result.output


def test_a_read_only_repository_is_left_alone(fix: Fix, repo: Path) -> None:
    repo.chmod(0o555)
    try:
        result = fix(repo, "--yes")
    finally:
        repo.chmod(0o755)
    assert result.exit_code == 3, result.output
    assert (repo / "calc.py").read_text() == BUGGY


def test_an_unreachable_endpoint_is_status_4(home: Path, repo: Path) -> None:
    result = CliRunner().invoke(
        main, ["fix", str(repo), "--yes", "--endpoint", "http://127.0.0.1:9/v1"]
    )
    assert result.exit_code == 4, result.output
    assert "cannot be reached" in one_sentence(result)
    assert (repo / "calc.py").read_text() == BUGGY


def test_a_model_that_is_none(home: Path, repo: Path, tmp_path: Path) -> None:
    fake = tmp_path / "model.gguf"
    fake.write_bytes(b"not a model")
    for model, status in ((str(fake), 4), ("no-such-model", 2)):
        result = CliRunner().invoke(main, ["fix", str(repo), "--yes", "--model", model])
        assert result.exit_code == status, result.output
        assert (repo / "calc.py").read_text() == BUGGY
        one_sentence(result)


def test_a_second_run_on_the_same_repository_says_so(fix: Fix, home: Path, repo: Path) -> None:
    with RepositoryLock(repo, "the-first-run", state=home / "state"):
        result = fix(repo, "--yes")
    assert result.exit_code == 2, result.output
    assert "the-first-run" in one_sentence(result)
    assert fix(repo, "--yes").exit_code == 0, "positive control: free again"


def test_resume_of_unknown_and_finished_runs(fix: Fix, home: Path, repo: Path) -> None:
    unknown = CliRunner().invoke(main, ["resume", "nothing"])
    assert unknown.exit_code == 2
    assert "There is no run" in one_sentence(unknown)
    assert fix(repo, "--yes").exit_code == 0
    (run,) = [path.name for path in (home / "state" / "runs").iterdir()]
    finished = CliRunner().invoke(main, ["resume", run])
    assert finished.exit_code == 2
    assert "has finished" in one_sentence(finished)
