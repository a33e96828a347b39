"""A trial leaves the workspace as it found it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.errors import AgentError
from agent.repair.seams import Suspect
from agent.trials import GatewayTrials
from tools.gateway import Decision, ToolResult
from tools.report import TestReport, Watched
from tools.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    source = tmp_path / "repo"
    source.mkdir()
    (source / "m.py").write_text("old\n")
    return Workspace.create(source, tmp_path / "home")


class Tools:
    """Writes as the gateway would, and remembers what the tests met."""

    def __init__(self, workspace: Workspace, refused: str = "", broken: bool = False) -> None:
        self.workspace = workspace
        self.refused = refused
        self.broken = broken
        self.met: list[Mapping[str, str]] = []

    def __call__(self, tool: str, **arguments: Any) -> ToolResult:
        good = Decision(verdict="allow", rule="x")
        if tool == "write_file":
            if arguments["path"] == self.refused:
                return ToolResult(ok=False, content="refused", data=None, decision=good)
            self.workspace.write(arguments["path"], arguments["content"])
            return ToolResult(ok=True, content="", data=None, decision=good)
        root = self.workspace.root
        self.met.append({path.name: path.read_text() for path in root.glob("*.py")})
        return ToolResult(ok=not self.broken, content="no", data=TestReport(), decision=good)


@pytest.mark.parametrize(
    ("options", "met"),
    [
        ({}, [{"m.py": "new\n", "test_probe.py": "pass\n"}]),
        ({"refused": "test_probe.py"}, []),
        ({"broken": True}, [{"m.py": "new\n", "test_probe.py": "pass\n"}]),
    ],
)
def test_changed_files_come_back_and_new_ones_go(
    workspace: Workspace, options: dict[str, Any], met: list[Mapping[str, str]]
):
    tools = Tools(workspace, **options)
    trials = GatewayTrials(tools, workspace)
    files = {"m.py": "new\n", "test_probe.py": "pass\n"}
    if tools.broken:
        with pytest.raises(AgentError):
            trials.run(files, None)
    else:
        trials.run(files, None)
    assert tools.met == met
    assert [path.name for path in workspace.root.glob("*.py")] == ["m.py"]
    assert (workspace.root / "m.py").read_text() == "old\n"
    assert workspace.changed() == {}


def test_a_suspect_is_watched_in_one_test_run(workspace: Workspace) -> None:
    seen = Watched(count=1)
    asked: list[dict[str, Any]] = []

    def call(tool: str, **arguments: Any) -> ToolResult:
        asked.append({"tool": tool, **arguments})
        good = Decision(verdict="allow", rule="x")
        return ToolResult(ok=True, content="", data=TestReport(watched=seen), decision=good)

    suspect = Suspect(path="m.py", name="A.f", first_line=2, last_line=5, score=1.0)
    assert GatewayTrials(call, workspace).watch("test_m.py::test_f", suspect) == seen
    function = {"path": "m.py", "name": "f", "first_line": 2, "last_line": 5}
    assert asked == [{"tool": "run_tests", "selection": ["test_m.py::test_f"], "watch": function}]


def test_where_tests_may_not_run_nothing_is_seen(workspace: Workspace) -> None:
    def call(tool: str, **arguments: Any) -> ToolResult:
        refused = Decision(verdict="deny", rule="x")
        return ToolResult(ok=False, content="no", data=None, decision=refused)

    suspect = Suspect(path="m.py", name="f", first_line=2, last_line=5, score=1.0)
    assert GatewayTrials(call, workspace).watch("t", suspect) is None
