"""Every repository to be mended is broken as its task says, and its reference fix mends it."""

import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest
from suite import run_suite

REPOS = Path(__file__).resolve().parents[2] / "benchmarks" / "repos"
TASKS = sorted(path.parent for path in REPOS.glob("*/task.toml"))


@dataclass(frozen=True)
class Outcome:
    """Tests that passed and that did not, by file and name."""

    passed: frozenset[str]
    failed: frozenset[str]


def outcome(root: Path) -> Outcome:
    """Run the tests of a repository with its own configuration."""
    report = root.with_suffix(".xml")
    done = run_suite(root, "-W", "error", "-o", "junit_family=xunit1", "--junitxml", str(report))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    passed, failed = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        broken = case.find("failure") is not None or case.find("error") is not None
        names = failed if broken else passed
        names.add(f"{case.get('file')}::{case.get('classname')}::{case.get('name')}")
    return Outcome(frozenset(passed), frozenset(failed))


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
def test_the_reference_fix_mends_what_is_broken(task: Path, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    shutil.copytree(task / "repo", root)
    hidden = {f"tests/{path.name}" for path in (task / "hidden").iterdir()}
    assert hidden
    assert not [name for name in hidden if (root / name).exists()]
    shutil.copytree(task / "hidden", root / "tests", dirs_exist_ok=True)

    before = outcome(root)
    broken_hidden = {name for name in before.failed if name.partition("::")[0] in hidden}
    assert broken_hidden
    assert before.failed - broken_hidden
    assert [name for name in before.passed if name.partition("::")[0] not in hidden]

    subprocess.run(["git", "apply", str(task / "fix.patch")], cwd=root, check=True, timeout=60)
    after = outcome(root)
    assert after.failed == frozenset()
    assert after.passed == before.passed | before.failed


@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
def test_the_fix_leaves_tests_alone_and_each_bug_is_named(task: Path) -> None:
    about = tomllib.loads((task / "task.toml").read_text())
    assert about["title"]
    assert len(about["kinds"]) == about["bugs"] in (1, 2, 3)
    patched = [
        line.removeprefix("+++ b/")
        for line in (task / "fix.patch").read_text().splitlines()
        if line.startswith("+++ ")
    ]
    assert patched
    assert not [name for name in patched if name.startswith("tests/")]
    assert all((task / "repo" / name).is_file() for name in patched)


def test_there_are_at_least_twelve_repositories_of_several_files() -> None:
    assert len(TASKS) >= 12
    assert all(len(files_of(task / "repo")) >= 4 for task in TASKS)
