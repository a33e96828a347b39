"""`agent fix` as a user runs it: its own process, the real model, the real sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest
from suite import run_suite

from agent import record

ROOT = Path(__file__).parent.parent
AGENT = [sys.executable, "-m", "agent"]
pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A fresh copy of the demo repository."""
    return Path(shutil.copytree(ROOT / "sandbox_repo", tmp_path / "bank"))


@pytest.fixture
def till(tmp_path: Path) -> Path:
    """A repository with one bug, which is mended in a few seconds once the model is there."""
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text(
        "def change(paid, price):\n"
        '    """What is given back, never less than nothing."""\n'
        "    return min(0, paid - price)\n"
    )
    (root / "test_till.py").write_text(
        "from till import change\n\n\n"
        "def test_more_than_enough():\n    assert change(10, 7) == 3\n\n\n"
        "def test_too_little():\n    assert change(5, 7) == 0\n"
    )
    return root


@pytest.fixture
def environment(tmp_path: Path, model_file: Callable[[str], Path]) -> dict[str, str]:
    """The user's environment, with a state directory of its own."""
    assert model_file("qwen2.5-coder-1.5b").is_file()
    kept = {key: value for key, value in os.environ.items() if key != "CI"}
    return kept | {"LOCUM_STATE": str(tmp_path / "state")}


def agent(
    *arguments: str | Path, env: Mapping[str, str], expect: int
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*AGENT, *map(str, arguments)],
        env=env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


def servers(environment: dict[str, str]) -> list[psutil.Process]:
    """Model servers that were started with this test's home."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "runtime.server" in (process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("LOCUM_STATE") == environment["LOCUM_STATE"]
    ]


def test_the_demo_is_mended_whole(bank: Path, environment: dict[str, str], tmp_path: Path) -> None:
    assert "3 failed, 6 passed" in run_suite(bank).stdout, "positive control: the demo is broken"
    tests_before = {p.name: p.read_bytes() for p in (bank / "tests").iterdir() if p.is_file()}

    done = agent("fix", bank, "--yes", "--json", tmp_path / "r.json", env=environment, expect=0)

    assert "9 passed" in run_suite(bank).stdout
    definitions = [p.name for p in bank.glob("bank/*.py") if "def format_currency" in p.read_text()]
    assert definitions == ["utils.py"]
    tests_after = {p.name: p.read_bytes() for p in (bank / "tests").iterdir() if p.is_file()}
    assert {name: tests_after[name] for name in tests_before} == tests_before

    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["before"]["passed"], report["before"]["total"]) == (6, 9)
    assert (report["after"]["passed"], report["after"]["total"]) == (9, 9)
    assert {item["kind"] for item in report["items"]} == {"bug", "duplication", "style"}
    assert {item["status"] for item in report["items"]} == {"fixed"}, report["items"]
    assert report["effort"]["completion_tokens"] > 0, "the model took part"
    assert "# Fix" in done.stdout
    assert "6 of 9 passed before, 9 of 9 pass after" in done.stdout
    run = Path(environment["LOCUM_STATE"]) / "runs" / report["run_id"]
    assert record.verify(run / "record.jsonl") == ""
    assert servers(environment) == [], "the model server was stopped"


def test_without_anybody_to_ask_nothing_is_applied(
    till: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    before = {p: p.read_bytes() for p in till.rglob("*.py")}
    patch = tmp_path / "fix.patch"
    done = agent("fix", till, "--only", "bugs", "--patch", patch, env=environment, expect=3)
    assert {p: p.read_bytes() for p in till.rglob("*.py")} == before
    assert "Not applied" in done.stdout
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=till, check=True)
    subprocess.run(["git", "apply", str(patch)], cwd=till, check=True)
    assert "2 passed" in run_suite(till).stdout


@pytest.mark.parametrize("phase", ["[plan]", "[edit]"])
def test_ctrl_c_leaves_the_tree_untouched_and_resume_goes_on(
    till: Path, environment: dict[str, str], phase: str
) -> None:
    before = {p: p.read_bytes() for p in till.rglob("*.py")}
    process = subprocess.Popen(
        [*AGENT, "fix", str(till), "--yes"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if phase in line:
            break
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert {p: p.read_bytes() for p in till.rglob("*.py")} == before
    assert servers(environment) == []
    (run,) = [p.name for p in (Path(environment["LOCUM_STATE"]) / "runs").iterdir()]
    assert f"agent resume {run}" in err
    agent("resume", run, env=environment, expect=0)
    assert "2 passed" in run_suite(till).stdout


def test_a_killed_agent_leaves_no_process_and_resumes(
    till: Path, environment: dict[str, str]
) -> None:
    before = {p: p.read_bytes() for p in till.rglob("*.py")}
    process = subprocess.Popen(
        [*AGENT, "fix", str(till), "--yes"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "[edit]" in line:
            break
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    process.stderr.close()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert {p: p.read_bytes() for p in till.rglob("*.py")} == before
    (run,) = [p.name for p in (Path(environment["LOCUM_STATE"]) / "runs").iterdir()]
    agent("resume", run, env=environment, expect=0)
    assert "2 passed" in run_suite(till).stdout
