"""Every command that README and docs show is run here, or listed with the reason why not.

The model is a scripted one behind the real server, the repository a small one with one bug, and
the forge a program that notes what it is asked.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from documented import PAGES, ROOT, lines, recipes
from fake_engine import FakeEngine

from agent import home as runs_home
from agent.cli import COMMANDS, main
from agent.state import Approval, Task
from runtime.client import Endpoint

Agent = Callable[[str], tuple[int, str]]

CODE = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = "from calc import larger\n\n\ndef test_first():\n    assert larger(3, 2) == 3\n"
TASK = {
    "task_id": "T/0",
    "declaration": "def larger(a, b):\n",
    "canonical_solution": "    return a if a > b else b\n",
    "buggy_solution": "    return a if a < b else b\n",
    "entry_point": "larger",
    "test": "def check(larger):\n    assert larger(3, 2) == 3\n    assert larger(5, 9) == 9\n\n"
    "check(larger)\n",
}

FIXES = {
    "agent fix .": (3, "Not applied"),
    "agent --debug fix .": (3, "Not applied"),
    "agent fix . --dry-run": (3, "dry run"),
    'agent fix . --test-cmd "pytest tests/unit"': (3, "0 of 1 passed before"),
    "agent fix . --dry-run --only bugs --budget 10m --json mend/report.json "
    "--summary mend/summary.md --patch mend/fix.patch --junit mend/junit": (3, "dry run"),
    "agent fix . --yes --only bugs --quiet": (0, "0 of 1 before, 1 of 1 after"),
    "agent plan .": (1, "1 item in the plan"),
    "agent explain .": (1, "In the model's words"),
}
"""Each in a fresh repository with nobody at the terminal: exit status, and what is said."""

MENDED = (
    "agent fix . --yes --only bugs --json report.json --summary summary.md --patch fix.patch "
    "--sarif findings.sarif --junit xml"
)
ON_A_RUN = {
    MENDED: "1 of 1 pass after",
    "agent runs": "Tests pass: 0 of 1 before",
    "agent show RUN": "# Fix larger in calc.py",
    "agent log RUN": "run_tests",
    "agent audit verify RUN": "unchanged",
    "agent replay RUN": "No difference.",
    "agent ci report.json": "::notice file=calc.py",
    "agent undo RUN": "calc.py",
    "git apply fix.patch": "",
}
"""In this order, on the run that the first of them makes; what each says."""

UNFINISHED = {"agent stop": "goes on with it", "agent resume RUN": "# Fix larger in calc.py"}

PUBLISHED = {
    "agent fix . --branch fix/total": "on branch `fix/total`",
    "git branch -D fix/total": "Deleted branch",
    "agent fix . --branch fix/total --pr": "https://forge.example/pull/1",
}
"""In this order, where the person at the terminal says yes."""

BENCHES = {
    "agent bench --repos benchmarks/repos --budget 3m": "[1/1] calc",
    "agent bench --tasks humanevalfix.jsonl --every 4 --limit 10": "[1/1] T/0",
    "agent bench --tasks humanevalfix.jsonl --resume": "of 1 right",
    "agent bench --tasks humanevalfix.jsonl --strategies template,branch "
    "--out results/no-rewrite": "[1/1] T/0",
}
"""On one repository and one task, with the scripted model's server as `--endpoint`."""

QUICK = {
    "agent --help": "Commands:",
    "agent init": "Wrote locum.toml",
    "agent init --user": "config.toml",
    "agent config show": "Your own file",
    "agent policy show": '"version": "1"',
    "agent policy check": "Policy 1",
    "agent policy check TOOL JSON": "path.refused",
    "agent schema report": "urn:locum:report:1",
    "agent schema event": "urn:locum:event:1",
    "agent completion bash": "_AGENT_COMPLETE",
    "agent doctor": "ok  git",
    "agent doctor .": "test runner",
    "agent doctor --upstream URL": "upstream http://127.0.0.1",
    "agent mcp .": "",
    "agent acp": "",
}
"""What needs no run: servers of standard input find it closed and end."""

ELSEWHERE = {
    "agent ui": "tests/tui/test_home.py",
    "agent ui .": "tests/tui/test_terminal.py",
    "agent ui [PATH]": "tests/tui/test_terminal.py",
    "agent ui --web": "tests/tui/test_web.py",
    "agent serve": "tests/agent/cli/test_serve.py",
    "agent proxy --upstream http://127.0.0.1:11434": "tests/agent/cli/test_proxy.py",
    "agent model pull": "tests/agent/cli/test_model.py",
    "git apply --directory=FOLDER fix.patch": "tests/test_action.py",
    "make docs": "tests/test_docs.py",
    "make pictures": "tests/tui/test_pictures.py",
    "make bench-ablation": "tests/benchmarks/test_ablation.py",
    'make bench-ablation SETTINGS="greedy=greedy;all=" '
    'ARGS="--tasks humanevalfix.jsonl --every 4"': "tests/benchmarks/test_ablation.py",
    "make bench-real-trees FACTS=bugs.json CLONES=~/clones TREES=~/real": (
        "tests/benchmarks/test_real_bugs.py"
    ),
    "python -m benchmarks.real_bugs --facts bugs.json --out ~/real --check": (
        "tests/benchmarks/test_real_bugs.py"
    ),
    "OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=… python my_program.py": (
        "tests/runtime/test_real_clients.py"
    ),
}
"""Run by a test of its own: a screen, a server that ends by a signal, a tool with its own data."""

NOT_RUN = {
    "make setup": "makes the environment that this test runs in",
    "make test": "is what runs this test",
    "make check": "is part of `make test`",
    "make fix": "needs the real model; tests/test_end_to_end.py mends the same copy with it",
    "make format": "writes to the checkout",
    "make lock": "asks the package index",
    "make bench": "takes half an hour with the real model",
    "make bench-runtime": "takes hours and installs other servers",
    "make bench-safety": "measures time, which tests must not",
    "make bench-start": "measures time; tests/benchmarks/test_start.py tries its clock",
    "make bench-real TREES=~/real": "takes hours with the real model",
    "make soak": "takes long; tests/runtime/test_soak.py runs a short one",
    "make test-attacks": "takes hours",
    "unshare --user --map-user=1000 --map-group=1000 -- make test-attacks": "takes hours",
    "python -m benchmarks.injection": "takes an hour with the real model",
    "CMAKE_ARGS=-DGGML_CUDA=on pip install --force-reinstall --no-deps --no-binary :all: "
    "llama-cpp-python==0.3.36": "compiles for a graphics card",
}

NAMED = {
    "agent --debug": "agent --debug fix .",
    "agent audit verify": "agent audit verify RUN",
    "agent bench": "agent bench --repos benchmarks/repos --budget 3m",
    "agent bench --resume": "agent bench --tasks humanevalfix.jsonl --resume",
    "agent bench --strategies": "agent bench --tasks humanevalfix.jsonl --strategies "
    "template,branch --out results/no-rewrite",
    "agent fix": "agent fix .",
    "agent fix --yes --only bugs": "agent fix . --yes --only bugs --quiet",
    "agent fix … --json FILE": MENDED,
    "agent fix … --pr": "agent fix . --branch fix/total --pr",
    "agent log": "agent log RUN",
    "agent replay": "agent replay RUN",
    "agent resume": "agent resume RUN",
    "agent show": "agent show RUN",
    "agent undo": "agent undo RUN",
    "git apply": "git apply fix.patch",
}
"""Commands of which the text names a part only: the whole one that is run."""

RUN_HERE = {*FIXES, *ON_A_RUN, *UNFINISHED, *PUBLISHED, *BENCHES, *QUICK}


def unaccounted(shown: Iterable[str]) -> set[str]:
    """Commands of which nothing is known here."""
    return set(shown) - RUN_HERE - ELSEWHERE.keys() - NOT_RUN.keys() - NAMED.keys()


def documented() -> set[str]:
    return {line for page in PAGES for line in lines(page)} | set(recipes())


def test_every_command_is_run_or_has_a_reason() -> None:
    assert unaccounted(documented()) == set(), "run it here, or say why not"


def test_a_new_command_would_be_found() -> None:
    assert unaccounted(["agent fix . --quick", "make tea", "agent fix ."]) == {
        "agent fix . --quick", "make tea",
    }  # fmt: skip


def test_nothing_is_listed_that_is_not_documented() -> None:
    assert (ELSEWHERE.keys() | NOT_RUN.keys() | NAMED.keys()) - documented() == set()
    assert set(NAMED.values()) <= RUN_HERE


def test_every_command_of_the_program_is_among_them() -> None:
    known = [*RUN_HERE, *ELSEWHERE]
    ours = {shlex.split(line)[1] for line in known if line.startswith("agent ")}
    assert COMMANDS.keys() - ours == set()


def test_the_tests_that_are_named_run_it() -> None:
    for line, file in ELSEWHERE.items():
        text = (ROOT / file).read_text("utf-8")
        assert "def test_" in text, (line, file)


@pytest.mark.parametrize("line", [one for one in {**ELSEWHERE, **NOT_RUN} if "make " in one])
def test_make_knows_the_target(line: str) -> None:
    words = shlex.split(line[line.index("make ") :])
    done = subprocess.run(
        [words[0], "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


# -- run here ------------------------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one bug, and the working directory."""
    root = tmp_path / "repo"
    (root / "tests" / "unit").mkdir(parents=True)
    (root / "calc.py").write_text(CODE)
    (root / "conftest.py").write_text("")
    (root / "tests" / "unit" / "test_calc.py").write_text(TESTS)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def served(
    home: Path, serve: Callable[[FakeEngine], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> Endpoint:
    endpoint = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", endpoint.token)
    monkeypatch.setenv("LOCUM_UPSTREAM_TOKEN", endpoint.token)
    monkeypatch.setenv("LOCUM_ENDPOINT", endpoint.base_url)
    # How good the mends are is not the matter here: the first ones that pass will do.
    monkeypatch.setattr("agent.repair.assembly.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("agent.repair.assembly.PATIENCE", 4)
    return endpoint


@pytest.fixture
def agent(served: Endpoint, repo: Path) -> Agent:
    """Runs one documented line in the repository; gives its exit status and all it said."""

    def run(line: str) -> tuple[int, str]:
        words = shlex.split(line)
        if words[0] != "agent":
            done = subprocess.run(words, cwd=repo, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr
        result = CliRunner().invoke(main, words[1:])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output

    return run


@pytest.mark.slow
@pytest.mark.parametrize("line", FIXES)
def test_on_a_repository(agent: Agent, repo: Path, line: str) -> None:
    (repo / "mend").mkdir()
    status, said = agent(line)
    wanted, words = FIXES[line]
    assert status == wanted, said
    assert words in said
    named = [word for word in shlex.split(line) if word.startswith("mend/")]
    assert all((repo / name).exists() for name in named)


@pytest.mark.slow
def test_on_a_finished_run(agent: Agent, repo: Path) -> None:
    for line, words in ON_A_RUN.items():
        run = next(iter(runs_home.run_ids()), "")
        status, said = agent(line.replace("RUN", run))
        assert status == 0, (line, said)
        assert words in said, line
    for name in ("report.json", "summary.md", "findings.sarif", "xml/before.xml", "xml/after.xml"):
        assert (repo / name).stat().st_size, name
    assert (repo / "calc.py").read_text() != CODE, "undone, and applied again by git"


@pytest.mark.slow
def test_on_an_unfinished_run(agent: Agent, served: Endpoint, repo: Path) -> None:
    task = Task(
        path=str(repo), model="fake", endpoint=served.base_url, approval=Approval.YES
    )  # fmt: skip
    run_id, _ = runs_home.new_run(task)
    for line, words in UNFINISHED.items():
        status, said = agent(line.replace("RUN", run_id))
        assert status == 0, (line, said)
        assert words in said, line


@pytest.mark.slow
@pytest.mark.usefixtures("git_identity")
def test_on_branches(
    agent: Agent, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_APPROVE", "yes")
    bare, settings = tmp_path / "remote.git", tmp_path / "gitconfig"
    address = "https://forge.example/a/b"
    settings.write_text(f'[url "{bare}"]\n\tinsteadOf = {address}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    for words in (
        ["init", "-q", "--bare", str(bare)], ["init", "-qb", "trunk"], ["add", "."],
        ["commit", "-qm", "start"], ["remote", "add", "origin", address],
    ):  # fmt: skip
        subprocess.run(["git", *words], cwd=repo, check=True)
    forge = tmp_path / "bin"
    forge.mkdir()
    (forge / "gh").write_text("#!/bin/sh\necho https://forge.example/pull/1\n")
    (forge / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{forge}{os.pathsep}{os.environ['PATH']}")
    for line, said_too in PUBLISHED.items():
        status, said = agent(line)
        assert status == 0, (line, said)
        assert said_too in said, line
    assert (repo / "calc.py").read_text() == CODE


@pytest.mark.slow
def test_benchmarks(agent: Agent, served: Endpoint, repo: Path) -> None:
    (repo / "humanevalfix.jsonl").write_text(json.dumps(TASK) + "\n")
    kept = repo / "benchmarks" / "repos" / "calc"
    shutil.copytree(repo / "tests" / "unit", kept / "repo")
    (kept / "repo" / "calc.py").write_text(CODE)
    for line, words in BENCHES.items():
        status, said = agent(f"{line} --endpoint {served.base_url}")
        assert status == 0, (line, said)
        assert words in said, (line, said)
    assert (repo / "results" / "no-rewrite" / "table.md").is_file()


@pytest.mark.parametrize("line", QUICK)
def test_without_a_run(agent: Agent, served: Endpoint, repo: Path, line: str) -> None:
    meant = line.replace("URL", served.base_url).replace("TOOL JSON", READ)
    if line in ("agent mcp .", "agent acp"):
        words = [sys.executable, "-P", "-m", *shlex.split(meant)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            words, cwd=repo, input="", capture_output=True, text=True, env=env, check=False,
        )  # fmt: skip
        status, said = done.returncode, done.stdout + done.stderr
    else:
        status, said = agent(meant)
    # A refused call, and a machine that lacks something, are told by the status too.
    assert status in ((0, 1) if "check TOOL" in line or "doctor" in line else (0,)), said
    assert QUICK[line] in said, said


READ = """read_file '{"path": "../x"}'"""
