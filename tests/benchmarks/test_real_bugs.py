"""A task is the tree before a fix with the fix's tests, and says what it is about."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent.bench.folders import load
from benchmarks import real_bugs

NEW_TEST = "from calc import two\n\n\ndef test_two():\n    assert two() == 2\n"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """A clone whose second commit fixes what its new test shows."""
    clone = tmp_path / "clones" / "owner" / "name"
    (clone / "tests").mkdir(parents=True)
    git(clone, "init", "-q")
    (clone / "calc.py").write_text("def two():\n    return 1\n")
    (clone / "pyproject.toml").write_text('[tool.setuptools_scm]\nwrite_to = "version.py"\n')
    (clone / "tests" / "test_old.py").write_text("def test_old():\n    assert True\n")
    (clone / "tests" / "test_renamed.py").write_text(NEW_TEST)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "before")
    before = git(clone, "rev-parse", "HEAD")
    (clone / "calc.py").write_text("def two():\n    return 2\n")
    (clone / "tests" / "test_renamed.py").rename(clone / "tests" / "test_calc.py")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "fix")
    bug = {
        "id": "name-1",
        "repo": "owner/name",
        "base_commit": before,
        "fix_commit": git(clone, "rev-parse", "HEAD"),
        "source_file": "calc.py",
        "functions_changed": ["two"],
        "lines_changed": 1,
        "overlay_files": ["tests/test_calc.py", "tests/test_renamed.py"],
        "fail_to_pass": ["tests/test_calc.py::test_two[é]"],
        "test_dependencies": ["pytest"],
    }
    file = tmp_path / "facts.json"
    file.write_text(json.dumps([bug]))
    return file


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but what needs a package index."""

    def environment(bug: real_bugs.Facts, repo: Path, python: str) -> Path:
        (repo / ".venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
        (repo / ".venv" / "pyvenv.cfg").write_text("")
        return repo / ".venv" / "bin" / "python"

    monkeypatch.setattr(real_bugs, "make_environment", environment)
    monkeypatch.setattr(real_bugs, "_installer", lambda interpreter: ["false"])


def make(facts: Path, *more: str) -> int:
    out = facts.parent / "out"
    words = ["--facts", str(facts), "--clones", str(facts.parent / "clones"), "--out", str(out)]
    return real_bugs.main([*words, *more])


@pytest.mark.usefixtures("offline")
def test_a_tree_has_the_bug_and_the_tests_of_its_fix(facts: Path) -> None:
    assert make(facts) == 0
    repo = facts.parent / "out" / "name-1" / "repo"
    assert "return 1" in (repo / "calc.py").read_text()
    assert (repo / "tests" / "test_calc.py").read_text() == NEW_TEST
    assert (repo / "tests" / "test_old.py").is_file()
    assert not (repo / "tests" / "test_renamed.py").exists()
    assert git(repo, "rev-list", "--count", "HEAD") == "1"
    assert "9.9.9" in (repo / "version.py").read_text()
    (path,) = (repo / ".venv").glob("lib/*/site-packages/task.pth")
    assert path.read_text().strip() == str(repo)


@pytest.mark.usefixtures("offline")
def test_the_task_is_one_for_agent_bench(facts: Path) -> None:
    assert make(facts) == 0
    (case,) = load(facts.parent / "out")
    assert case.about.fail_to_pass == ("tests/test_calc.py::test_two[é]",)
    assert case.about.reference is not None
    assert case.about.reference.functions == ("two",)
    assert case.kinds == ("changes 1 or 2 lines",)
    about = tomllib.loads((case.folder / "task.toml").read_text("utf-8"))
    assert about["title"].startswith("owner/name before ")


@pytest.mark.usefixtures("offline")
def test_a_missing_clone_is_told_and_others_go_on(
    facts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (known,) = json.loads(facts.read_text())
    facts.write_text(json.dumps([known | {"id": "gone-1", "repo": "no/body"}, known]))
    assert make(facts) == 1
    assert "gone-1  FAILED: There is no clone of no/body" in capsys.readouterr().out
    assert (facts.parent / "out" / "name-1" / "task.toml").is_file()
    assert make(facts, "--only", "name-1") == 0


def test_a_file_that_neither_commit_has_is_told(
    facts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (known,) = json.loads(facts.read_text())
    facts.write_text(json.dumps([known | {"overlay_files": ["tests/nowhere.py"]}]))
    assert make(facts) == 1
    assert "tests/nowhere.py is in neither commit." in capsys.readouterr().out


def test_a_package_that_its_tests_need_is_not_installed_over(tmp_path: Path) -> None:
    assert real_bugs.own_name(tmp_path) == ""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "My_Package"\n')
    assert real_bugs.own_name(tmp_path) == "my-package"


def test_the_check_wants_exactly_the_named_tests_to_fail(
    facts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bug,) = json.loads(facts.read_text())
    repo = tmp_path / "out" / "name-1" / "repo"
    (repo / "tests").mkdir(parents=True)
    (repo / "calc.py").write_text("def two():\n    return 1\n")
    (repo / "tests" / "test_calc.py").write_text(NEW_TEST)
    facts.write_text(json.dumps([bug | {"fail_to_pass": ["tests/test_calc.py::test_two"]}]))
    assert make(facts, "--check") == 0
    assert "1 of 1 fail as they should" in capsys.readouterr().out
    (repo / "tests" / "test_calc.py").write_text(NEW_TEST + "\n\ndef test_no():\n    assert 0\n")
    assert make(facts, "--check") == 1
    assert "test_no fails too" in capsys.readouterr().out
    (repo / "calc.py").write_text("def two():\n    return 2\n")
    assert make(facts, "--check") == 1
    assert "test_two does not fail" in capsys.readouterr().out
