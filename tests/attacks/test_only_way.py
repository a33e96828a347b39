"""Nothing reaches a tool around the gateway, and every call has a decision before it is made."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fake_engine import FakeEngine

from agent import home as runs_home
from agent import record
from agent.cli import main
from agent.tracing import DECISION, TOOL
from runtime.client import Endpoint
from tools import gateway
from tools.sandbox import canaries, choice
from tools.sandbox.backend import Backend

ROOT = Path(__file__).parents[2]
PARTS = {
    "tools.toolbox": {"build_toolbox"},
    "tools.files": {"read_file", "list_files"},
    "tools.search": {"search"},
    "tools.commands": {"CommandRunner"},
    "tools.testing": {"TestRunner", "TestSession"},
    "tools.sandbox": {"choose", "choose_proven", "NoSandbox"},
    "subprocess": {"*"},
    "os": {"system", "popen", "execv", "execve", "fork", "posix_spawn"},
}
"""What reads, writes or runs by itself."""
WIRED = {
    "agent/wiring.py": "puts the tools behind the gateway",
    "agent/lanes.py": "does the same for a second copy",
    "agent/replay.py": "does the same to repeat a run",
    "agent/trials.py": "is the gateway's own run_tests",
    "agent/cli/policy.py": "asks the gateway on an empty folder",
    "agent/cli/serve.py": "starts our server",
    "agent/cli/bench.py": "measures, and has no model call anything",
    "agent/bench/trees.py": "runs hidden tests after a run",
    "agent/pull_request.py": "pushes the branch that a person asked for",
    "agent/mcp_server.py": "lets another program read through a gateway of its own",
    "tui/editing.py": "opens the editor of the person at the screen",
    "agent/doctor.py": "asks installed programs for their versions",
}
CHANGES = {"write", "remove", "apply", "undo"}
"""Methods of a workspace that change files."""
CHANGING = {
    "agent/trials.py": {"write", "remove"},  # puts back what a candidate replaced
    "agent/reproducing.py": {"remove"},  # takes a test away that the gateway let it write
    "agent/nodes/approve.py": {"apply"},  # behind the decision of a person or of the policy
    "agent/undoing.py": {"undo"},  # a person asks for it
}


def parts_used(source: str) -> set[str]:
    """Names of `PARTS` that a module imports or reaches through an imported module."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in PARTS:
                    modules[alias.asname or alias.name] = alias.name
                    if "*" in PARTS[alias.name]:
                        found.add(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            wanted = PARTS.get(node.module, set())
            found |= {a.name for a in node.names if a.name in wanted or "*" in wanted}
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in PARTS:
                    modules[alias.asname or alias.name] = full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            wanted = PARTS.get(modules.get(node.value.id, ""), set())
            found |= {node.attr} & wanted
    return found


def changes_made(source: str) -> set[str]:
    """Methods of `CHANGES` that are called on something named like a workspace."""
    return {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CHANGES
        and "workspace" in ast.unparse(node.func.value)
    }


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("agent", "tui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def test_no_module_holds_a_tool_but_those_that_wire_them() -> None:
    around = {path: used for path, text in sources() if (used := parts_used(text))}
    assert set(around) <= set(WIRED), around
    assert parts_used("from tools.search import search") == {"search"}, "positive control"
    assert parts_used("import subprocess as s") == {"subprocess"}
    assert parts_used("from tools import files\nfiles.read_file(r, 'x')") == {"read_file"}
    assert "agent/wiring.py" in around


def test_no_module_changes_the_copy_or_the_tree_but_those_that_may() -> None:
    made = {path: found for path, text in sources() if (found := changes_made(text))}
    assert made == CHANGING
    assert changes_made("deps.workspace.apply(['x'])") == {"apply"}, "positive control"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Every program that a sandbox starts, by whether a decided call or a canary asked for it."""
    seen: dict[str, list[list[str]]] = {"decided": [], "canary": [], "around": []}
    inside = threading.local()
    run_tool, prove, begin = gateway._run, canaries.prove, Backend.popen
    run = Backend.run

    def marked(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any, **options: Any) -> Any:
            before = getattr(inside, "why", "around")
            inside.why = name
            try:
                return act(*arguments, **options)
            finally:
                inside.why = before

        return work

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def work(self: Backend, argv: Any, **options: Any) -> Any:
            seen[getattr(inside, "why", "around")].append(list(map(str, argv)))
            return act(self, argv, **options)

        return work

    monkeypatch.setattr(gateway, "_run", marked("decided", run_tool))
    monkeypatch.setattr(choice, "prove", marked("canary", prove))
    monkeypatch.setattr(Backend, "run", counted(run))
    monkeypatch.setattr(Backend, "popen", counted(begin))
    return seen


def test_in_a_run_every_program_is_started_by_a_decided_call(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    starts: dict[str, list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = serve(FakeEngine(replies=("calc.py:2: the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    source = tmp_path / "repo"
    source.mkdir()
    (source / "calc.py").write_text("def larger(a, b):\n    return a if a < b else b\n")
    (source / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_it():\n    assert larger(3, 2) == 3\n"
    )
    words = ["fix", str(source), "--yes", "--endpoint", served.base_url]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert starts["around"] == []
    assert starts["decided"], "positive control: tests ran"
    assert starts["canary"]
    (directory,) = runs_home.runs_root().iterdir()
    decided: dict[int, dict[str, Any]] = {}
    calls = 0
    for entry in record.read(directory / runs_home.RECORD):
        data = entry["data"]
        if entry["kind"] == DECISION:
            decided[data["call"]] = data
        elif entry["kind"] == TOOL:
            calls += 1
            before = decided.pop(data["call"])
            assert before["decision"] == data["decision"]
            assert data["decision"]["rule"]
            assert data["decision"]["policy_version"]
    assert calls > 10
    assert decided == {}, "no decision without its call"
