"""Every call is checked, decided, counted and recorded; bad input never raises."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.gateway import Gateway, Ruling, ToolRecord
from tools.policy import LINTERS, Budgets, Command, Policy, stop_file
from tools.protection import USUAL
from tools.report import Outcome, TestReport, TestResult
from tools.sandbox import NoSandbox, choose
from tools.toolbox import build_toolbox
from tools.workspace import Workspace


class Bench:
    """A gateway on a small workspace, with what it recorded."""

    def __init__(self, workspace: Workspace, **policy: Any) -> None:
        self.workspace = workspace
        self.records: list[ToolRecord] = []
        self.asked: list[Mapping[str, Any]] = []
        self.policy = Policy(**{"kill_switches": (), **policy})
        # The linters run in the real sandbox of this machine.
        toolbox = build_toolbox(workspace, choose(), self.policy, self._run_tests)
        self.gateway = Gateway(toolbox, self.policy, self.records.append)

    def _run_tests(self, selection: object, **options: object) -> TestReport:
        self.asked.append({"selection": selection, **options})
        return TestReport(results=(TestResult(id="t", outcome=Outcome.PASSED),), exit_code=0)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    source = tmp_path / "repo"
    source.mkdir()
    (source / "a.py").write_text("import os\nx = 1\n")
    (source / "evil.txt").write_text("\x1b]0;t\x07text\u202e\n")
    made = Workspace.create(source, tmp_path / "run")
    yield made
    made.close()


@pytest.fixture
def bench(workspace: Workspace) -> Bench:
    return Bench(workspace)


@pytest.fixture
def unlimited(workspace: Workspace) -> Bench:
    return Bench(workspace, budgets=Budgets(model_calls=100_000, writes=100_000))


def test_reads_lists_and_searches(bench: Bench) -> None:
    assert bench.gateway.call("read_file", {"path": "a.py"}).content == "import os\nx = 1\n"
    assert bench.gateway.call("list_files", "{}").content == "a.py\nevil.txt"
    found = bench.gateway.call("search_code", '{"pattern": "x ="}', caller="model")
    assert found.content == "a.py:2: x = 1"
    assert bench.gateway.call("read_file", {"path": "evil.txt"}).content == "text\n"
    assert [record.call for record in bench.records] == [1, 2, 3, 4]
    assert all(record.decision.verdict == "allow" and record.ok for record in bench.records)


def test_writes_only_in_the_copy(bench: Bench) -> None:
    result = bench.gateway.call("write_file", {"path": "new/b.py", "content": "y = 2\n"})
    assert result.ok
    assert (bench.workspace.root / "new/b.py").read_text() == "y = 2\n"
    assert not (bench.workspace.source / "new").exists()
    assert list(bench.workspace.changed()) == ["new/b.py"]


BAD: list[tuple[str, Any, str]] = [
    ("no_such_tool", {}, "tool.unknown"),
    ("", {}, "tool.unknown"),
    ("read_file", "", "arguments.schema"),
    ("read_file", "{", "arguments.json"),
    ("read_file", "[]", "arguments.json"),
    ("read_file", "null", "arguments.json"),
    ("read_file", '{"path": ' * 100_000, "arguments.json"),
    ("read_file", "[" * 100_000, "arguments.json"),
    ("read_file", '{"path": ' + "9" * 5000 + "}", "arguments.json"),
    ("read_file", "x" * 2_000_001, "arguments.size"),
    ("read_file", {"path": 1}, "arguments.schema"),
    ("read_file", {"path": "a.py", "extra": 1}, "arguments.schema"),
    ("read_file", {"path": "a.py", "first_line": 0}, "arguments.schema"),
    ("read_file", {"path": "a.py", "first_line": True}, "arguments.schema"),
    ("read_file", {"path": "a.py", "first_line": 1e999}, "arguments.schema"),
    ("read_file", {"path": "../../etc/passwd"}, "path.refused"),
    ("read_file", {"path": "/etc/passwd"}, "path.refused"),
    ("read_file", {"path": "a\0.py"}, "path.refused"),
    ("read_file", {"path": "\ud800"}, "path.refused"),
    ("list_files", {"path": "..", "depth": 2}, "path.refused"),
    ("list_files", {"depth": 21}, "arguments.schema"),
    ("search_code", {"pattern": ""}, "arguments.schema"),
    ("search_code", {"pattern": "x", "path": "../"}, "path.refused"),
    ("write_file", {"path": "a.py"}, "arguments.schema"),
    ("write_file", {"path": "../a.py", "content": ""}, "path.refused"),
    ("write_file", {"path": ".git/hooks/pre-commit", "content": ""}, "write.version-control"),
    ("write_file", {"path": "sub/.GIT/config", "content": ""}, "write.version-control"),
    ("write_file", {"path": ".g\u200bit/config", "content": ""}, "write.version-control"),
    ("run_command", {"argv": []}, "arguments.schema"),
    ("run_command", {"argv": "ruff check"}, "arguments.schema"),
    ("run_command", {"argv": ["x"] * 10_000}, "arguments.schema"),
    ("run_command", {"argv": ["ruff\0", "check"]}, "arguments.schema"),
]


@pytest.mark.parametrize(("name", "arguments", "rule"), BAD)
def test_bad_input_is_a_refusal_with_its_rule(
    bench: Bench, name: str, arguments: Any, rule: str
) -> None:
    result = bench.gateway.call(name, arguments, caller="model")
    assert not result.ok
    assert result.data is None
    assert (result.decision.verdict, result.decision.rule) == ("deny", rule)
    assert result.content
    assert result.content == result.content.strip()
    assert len(result.content) < 600
    assert bench.records[-1].decision == result.decision
    assert len(bench.records[-1].model_dump_json()) < 3000
    assert bench.workspace.changed() == {}


@pytest.mark.parametrize("path", ["gone.py", "a.py/x", "."])
def test_what_cannot_be_done_is_an_allowed_call_that_failed(bench: Bench, path: str) -> None:
    result = bench.gateway.call("read_file", {"path": path})
    assert not result.ok
    assert result.decision.verdict == "allow"
    assert result.content


COMMANDS_REFUSED = [
    ["ls"],
    ["ruff"],
    ["ruff", "clean"],
    ["ruff", "format"],
    ["ruff", "check", "--fix"],
    ["ruff", "check", "--config=/etc/evil.toml"],
    ["ruff", "check", "--add-noqa", "a.py"],
    ["ruff", "check", "@arguments"],
    ["ruff", "check", "../../etc"],
    ["ruff", "check", "/etc/passwd"],
    ["./ruff", "check"],
    ["/tmp/ruff", "check"],
    ["ruff check"],
    ["ruff", "check;id"],
    ["sh", "-c", "id"],
    ["git", "-c", "core.fsmonitor=id", "status"],
    ["find", ".", "-exec", "id", ";"],
    ["python", "-c", "1"],
    ["pytest", "-p", "evil"],
    ["pytest", "--rootdir", "/"],
    ["pytest", "-q", "-c", "evil.ini"],
    ["env", "pytest", "-q"],
]


@pytest.mark.parametrize("argv", COMMANDS_REFUSED)
def test_only_exact_commands_run(workspace: Workspace, argv: list[str]) -> None:
    bench = Bench(workspace, commands=[*LINTERS, Command(("pytest", "-q"), writes=True)])
    result = bench.gateway.call("run_command", {"argv": argv}, caller="model")
    assert result.decision.rule == "command.unlisted"


@pytest.mark.parametrize(
    "argument", ["a.py;id", "a.py && id", "$(id)", "`id`", "a|id", "$IFS", "a b", "*"]
)
def test_a_shell_metacharacter_is_just_a_strange_name(bench: Bench, argument: str) -> None:
    result = bench.gateway.call("run_command", {"argv": ["ruff", "check", argument]})
    assert result.decision.verdict == "allow"
    assert "uid=" not in result.content
    assert "exit status 0" not in result.content


def test_listed_commands_run_and_cannot_write(bench: Bench) -> None:
    checked = bench.gateway.call("run_command", {"argv": ["ruff", "check", "a.py"]}, caller="model")
    assert "exit status 1" in checked.content
    assert "F401" in checked.content
    (bench.workspace.root / "ruff.toml").write_text("fix = true\nunsafe-fixes = true\n")
    again = bench.gateway.call("run_command", {"argv": ["ruff", "check"]}, caller="harness")
    assert "F401" in again.content
    assert (bench.workspace.root / "a.py").read_text() == "import os\nx = 1\n"


def test_lint_reports_and_fixes_without_touching_files(bench: Bench) -> None:
    bench.gateway.call("write_file", {"path": "bad.py", "content": "def f(:\n"})
    found = bench.gateway.call("lint", {}).data
    ours = [one for one in found if (one.code, one.path) == ("F401", "a.py")]
    assert [(one.line, one.fixable) for one in ours] == [(1, True)]
    assert "os" in ours[0].message
    assert any(one.path == "bad.py" for one in found)
    fixed = bench.gateway.call("lint", {"paths": ["a.py"], "fix": True})
    assert fixed.data == {"a.py": "x = 1\n"}
    assert (bench.workspace.root / "a.py").read_text() == "import os\nx = 1\n"
    assert not bench.gateway.call("lint", {"paths": ["gone.py"], "fix": True}).ok


def test_the_model_sees_and_reaches_only_its_own_tools(bench: Bench) -> None:
    names = {spec["function"]["name"] for spec in bench.gateway.specs(read_only=False)}
    assert names == {"list_files", "read_file", "search_code", "write_file", "run_command"}
    reading = {spec["function"]["name"] for spec in bench.gateway.specs(read_only=True)}
    assert reading == {"list_files", "read_file", "search_code"}
    json.dumps(bench.gateway.specs(read_only=False))
    for name in ("lint", "run_tests"):
        refused = bench.gateway.call(name, {}, caller="model")
        assert refused.decision.rule == "tool.unknown"
        assert bench.gateway.call(name, {}, caller="harness").ok
    write = {"path": "b.py", "content": ""}
    refused = bench.gateway.call("write_file", write, caller="model", read_only=True)
    assert refused.decision.rule == "phase.read-only"


def test_tests_run_as_asked(bench: Bench) -> None:
    result = bench.gateway.call("run_tests", {"selection": ["t"], "coverage": True, "timeout": 5})
    assert result.data.green
    assert result.content == "1 of 1 passed."
    options = bench.asked[0]
    assert (options["selection"], options["coverage"], options["clean"]) == (["t"], True, False)
    assert options["timeout"] == 5


def test_a_protected_file_needs_approval_and_then_may_be_written(bench: Bench) -> None:
    write = {"path": "sub/conftest.py", "content": "x"}
    asked = bench.gateway.call("write_file", write)
    assert (asked.ok, asked.decision.verdict) == (False, "needs_approval")
    assert bench.workspace.changed() == {}
    bench.policy.approve("sub/conftest.py")
    assert bench.gateway.call("write_file", write).ok
    assert not bench.gateway.call("write_file", {"path": "conftest.py", "content": "x"}).ok


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".GIT/config", ".git./x", "a/.git", "git~1/config", ".ｇｉｔ/config"),
        *(".github/workflows/ci.yml", ".vscode/settings.json", ".claude/x", "a/.devcontainer/b"),
        *("conftest.py", "tests/Conftest.PY", "pyproject.toml", "setup.py", "tox.ini", "x.pth"),
        *("package.json", "jest.config.js", "Makefile", ".env", ".env.local", "sitecustomize.py"),
        *("AGENTS.md", ".gitattributes", ".pre-commit-config.yaml", ".venv/lib/x.py"),
    ],
)
def test_protected(path: str) -> None:
    assert USUAL.covers(path)


@pytest.mark.parametrize(
    "path", ["a.py", "src/git/config.py", "github.py", "tests/test_a.py", "environment.py"]
)
def test_ordinary(path: str) -> None:
    assert not USUAL.covers(path)


@pytest.mark.parametrize("name", ["calls", "model_calls", "writes", "bytes_written", "test_runs"])
def test_budgets_are_hard_stops(workspace: Workspace, name: str) -> None:
    bench = Bench(workspace, budgets=Budgets(**{name: 3}))
    rules = []
    for number in range(5):
        bench.gateway.call("run_tests", {})
        write = {"path": "b.py", "content": f"{number}"}
        rules.append(bench.gateway.call("write_file", write, caller="model").decision.rule)
        rules.append(bench.gateway.call("run_tests", {}).decision.rule)
    assert f"budget.{name}" in rules
    assert {rule for rule in rules if rule.startswith("budget.")} == {f"budget.{name}"}


def test_the_model_may_repeat_itself_three_times(bench: Bench) -> None:
    def call(path: str, caller: Any = "model") -> str:
        return bench.gateway.call("read_file", {"path": path}, caller=caller).decision.rule

    assert [call("a.py") for _ in range(4)] == ["read_file.ordinary"] * 3 + ["model.repeats"]
    assert call("evil.txt") == "read_file.ordinary"
    assert call("a.py") == "read_file.ordinary"
    assert {call("a.py", "harness") for _ in range(10)} == {"read_file.ordinary"}


def test_the_stop_file_halts_every_call(workspace: Workspace, tmp_path: Path) -> None:
    switch = stop_file(tmp_path / "state")
    bench = Bench(workspace, kill_switches=[switch])
    assert bench.gateway.call("list_files", {}).ok
    switch.parent.mkdir()
    switch.touch()
    for name, arguments in (("list_files", {}), ("run_tests", {})):
        assert bench.gateway.call(name, arguments).decision.rule == "run.stopped"
    switch.unlink()
    assert bench.gateway.call("list_files", {}).ok


def test_in_a_downgraded_run_the_model_only_reads(bench: Bench) -> None:
    bench.policy.downgrade("a file gave it orders")
    assert bench.gateway.call("read_file", {"path": "a.py"}, caller="model").ok
    for name, arguments in (
        ("write_file", {"path": "b.py", "content": ""}),
        ("run_command", {"argv": ["ruff", "check"]}),
    ):
        refused = bench.gateway.call(name, arguments, caller="model")
        assert refused.decision.rule == "run.read-only"
        assert bench.gateway.call(name, arguments).ok, "the harness goes on in its copy"


def test_records_are_short_and_printable(bench: Bench) -> None:
    bench.gateway.call("write_file", {"path": "b.py", "content": "\x1b[2J" + "x" * 100_000})
    record = bench.records[-1]
    assert record.arguments["path"] == "b.py"
    assert len(record.arguments["content"]) < 400
    assert "100004 characters" in record.arguments["content"]
    assert "\x1b" not in record.model_dump_json()
    assert "x" * 10 in bench.workspace.read("b.py")


def test_without_a_sandbox_commands_fail_with_a_sentence(workspace: Workspace) -> None:
    policy = Policy(kill_switches=())
    gateway = Gateway(build_toolbox(workspace, NoSandbox(), policy), policy, lambda _: None)
    result = gateway.call("run_command", {"argv": ["ruff", "check"]})
    assert not result.ok
    assert "No sandbox works" in result.content
    assert gateway.call("run_tests", {}).decision.rule == "tool.unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["list_files", "read_file", "search_code", "write_file"]) | st.text()
PATHS = st.sampled_from(
    ["a.py", "../x", "/x", ".", "", "a.py/x", "\ud800", "\0", "evil.txt", ".git/x", "//", "~"]
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | st.text() | JSON,
        "content": st.text() | JSON,
        "pattern": st.text() | JSON,
        "depth": st.integers() | JSON,
        "first_line": st.integers() | JSON,
        "last_line": st.integers() | JSON,
    },
)


@settings(
    max_examples=400,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=NAMES, arguments=ARGUMENTS | st.text(), as_text=st.booleans())
def test_no_input_raises_or_leaves_the_copy(
    unlimited: Bench, name: str, arguments: Any, as_text: bool
) -> None:
    bench = unlimited
    given_arguments = json.dumps(arguments) if as_text else arguments
    result = bench.gateway.call(name, given_arguments, caller="model")
    assert result.ok or result.content
    bench.records[-1].model_dump_json()
    outside = bench.workspace.root.parents[1]
    assert {path.name for path in outside.iterdir()} == {"baseline", "manifest.json", "tree"}


def test_two_gateways_of_a_run_share_its_numbers_and_its_budget(workspace: Workspace) -> None:
    """Calls run side by side; what is decided and what is told of them comes one at a time."""
    both = threading.Barrier(2, timeout=20)
    inside = threading.Lock()
    told: list[tuple[str, int]] = []

    def run_tests(selection: object, **options: object) -> TestReport:
        both.wait()
        return TestReport()

    def alone(name: str, call: int) -> None:
        assert inside.acquire(blocking=False), "two at once"
        told.append((name, call))
        time.sleep(0.001)
        inside.release()

    def on_ruling(ruling: Ruling) -> None:
        alone(ruling.decision.verdict, ruling.call)

    def on_call(call: ToolRecord) -> None:
        alone("end", call.call)

    policy = Policy(kill_switches=(), budgets=Budgets(test_runs=40))
    toolbox = build_toolbox(workspace, NoSandbox(), policy, run_tests)
    first = Gateway(toolbox, policy, on_call, on_ruling)
    second = first.beside(toolbox, on_call, on_ruling)
    with ThreadPoolExecutor(2) as pool:
        calls = pool.map(
            lambda one: [one.call("run_tests", {}) for _ in range(20)], (first, second)
        )
        results = [result for made in calls for result in made]
    assert sorted(result.call for result in results) == list(range(1, 41))
    assert [call for name, call in told if name == "allow"] == list(range(1, 41))
    assert sorted(call for name, call in told if name == "end") == list(range(1, 41))
    assert second.call("run_tests", {}).decision.rule == "budget.test_runs"
    assert first.call("run_tests", {}).call == 42
