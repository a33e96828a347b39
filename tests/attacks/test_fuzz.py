"""Mutated tool calls: no exception leaves the gateway, and nothing outside is touched.

A few thousand in `make test`, a million in `make test-attacks`. The calls come from a seeded
mutator of valid calls and hostile values, which makes some ten thousand a second, and from
hypothesis, which shrinks what it finds.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from field import SECRET, UNLIMITED, Field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.gateway import Gateway, ToolRecord, ToolResult
from tools.policy import Policy
from tools.report import TestReport
from tools.sandbox import Completed
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

LONG = bool(os.environ.get("LOCUM_LONG_TESTS"))
MUTATED = 1_000_000 if LONG else 4_000
EXAMPLES = 20_000 if LONG else 400
SEED = 20260101
HOSTILE: tuple[Any, ...] = (
    *("", ".", "..", "/", "//", "~", "../", "../../../outside/secret", "src/a.py", "link/secret"),
    *("/etc/passwd", "/proc/self/root/etc/passwd", "/dev/zero", "a\0b", "a\nb", "\ud800", "\udcff"),
    *("\x1b]0;x\x07", "\u202e", "．．/x", "x" * 300, "a/" * 2_100, "x" * 5_000, "-rf"),
    *("@x", "$(id)", "`id`", ";id", "%2e%2e/", "..\\..\\x", ".git/config", "conftest.py", "loop"),
    *("(a+)+$", "[", "(?P<", "\\", "x" * 501, "(?i)", ".*" * 50, "\u2028", "é", "ﬁ", "İ"),
    *(None, True, False, 0, 1, -1, 2**63, -(2**63), 10**30, 1e308, float("nan"), float("inf")),
    *([], {}, [[]], {"path": ".."}, ["ruff", "check"], ["ruff", "check", ".."], ["sh", "-c", "id"]),
    *([None], [""], ["x"] * 201, {"$ref": "#"}, {"": ""}, [[[[[[]]]]]], b"bytes".decode()),
)  # fmt: skip
VALID: dict[str, dict[str, Any]] = {
    "list_files": {"path": "src", "depth": 3},
    "read_file": {"path": "src/a.py", "first_line": 1, "last_line": 2},
    "search_code": {"pattern": "x", "path": "src", "regex": False},
    "write_file": {"path": "src/new.py", "content": "x = 1\n"},
    "run_command": {"argv": ["ruff", "check", "src/a.py"]},
    "lint": {"paths": ["src/a.py"], "fix": False},
    "run_tests": {
        "selection": ["t"],
        "coverage": False,
        "clean": True,
        "timeout": 1,
        "stop_at_first": True,
        "watch": {"path": "src/a.py", "name": "f", "first_line": 1, "last_line": 2},
    },
}


class Recorder:
    """Stands for the sandbox: keeps what it was asked to start, and starts nothing."""

    name, level = "recorder", "full"

    def __init__(self) -> None:
        self.started: list[list[str]] = []

    def run(self, argv: Any, **options: Any) -> Completed:
        self.started = [*self.started[-3:], list(argv)]
        return Completed(0, b"[]", b"")

    def popen(self, argv: Any, **options: Any) -> Any:
        raise AssertionError("no tool starts a long-lived program")


class Fuzzed:
    """A gateway that starts no process, so that a million calls take minutes."""

    def __init__(self, workspace: Workspace, outside: Path) -> None:
        self.records: list[ToolRecord] = []
        self.sandbox = Recorder()
        policy = Policy(budgets=UNLIMITED, kill_switches=())
        tools = build_toolbox(workspace, self.sandbox, policy, lambda *_, **__: TestReport())
        self.gateway = Gateway(tools, policy, self._heard)
        self.field = Field(workspace, outside, policy, self.gateway, self.records)
        self.field.before = self.field._seen()

    def _heard(self, record: ToolRecord) -> None:
        self.records[:] = [record]

    def call(self, tool: str, arguments: Any, caller: Any) -> ToolResult:
        result = self.gateway.call(tool, arguments, caller=caller)
        assert isinstance(result, ToolResult)
        assert SECRET not in result.content
        assert "\x1b" not in result.content
        assert self.records[0].decision == result.decision
        assert result.decision.rule
        for argv in self.sandbox.started:
            assert Path(argv[0]).name == "ruff"
            assert not any(word.startswith(("/", "@", "../")) for word in argv[2:])
        return result


@pytest.fixture
def fuzzed(source: Path, outside: Path, tmp_path: Path) -> Iterator[Fuzzed]:
    (source / "link").symlink_to(outside)
    (source / "loop").symlink_to("loop")
    workspace = Workspace.create(source, tmp_path / "run")
    yield Fuzzed(workspace, outside)
    workspace.close()


def mutated(source: random.Random) -> tuple[str, Any]:
    """One call: a valid one with values, keys, nesting or its JSON text spoiled."""
    tool = source.choice(list(VALID))
    arguments: Any = json.loads(json.dumps(VALID[tool]))
    for _ in range(source.choice((0, 1, 1, 1, 2, 3))):
        key = source.choice([*arguments, *arguments, *arguments, "extra", "path"])
        value = source.choice(HOSTILE)
        if isinstance(arguments.get(key), str) and not isinstance(value, str):
            value = str(value)  # most other kinds are refused before they get anywhere
        change = source.randrange(6)
        if change == 0:
            arguments.pop(key, None)
        elif change == 1 and isinstance(arguments.get(key), str):
            arguments[key] = spoiled(arguments[key], source)
        elif change == 2 and isinstance(arguments.get(key), list):
            arguments[key] = [*arguments[key], value]
        else:
            arguments[key] = value
    if source.random() < 0.1:
        return spoiled(tool, source), arguments
    if source.random() < 0.3:
        text = json.dumps(arguments)
        return tool, spoiled(text, source) if source.random() < 0.5 else text
    return tool, arguments


def spoiled(text: str, source: random.Random) -> str:
    place = source.randrange(len(text) + 1)
    strange = source.choice(
        ("", "\0", "../", "/", '"', "}", "[", "\\", "\ud800", "\u202e", "9" * 50)
    )
    return text[:place] + strange + text[place + source.randrange(3) :]


def test_mutated_calls(fuzzed: Fuzzed) -> None:
    source = random.Random(SEED)
    verdicts: dict[str, int] = {}
    for number in range(MUTATED):
        tool, arguments = mutated(source)
        if _starts_a_process(tool, arguments) and number % 500:
            continue
        result = fuzzed.call(tool, arguments, source.choice(("model", "harness")))
        kind = result.decision.verdict if result.decision.verdict != "allow" else str(result.ok)
        verdicts[kind] = verdicts.get(kind, 0) + 1
        if number % 20_000 == 0:
            fuzzed.field.workspace.reset()
            assert fuzzed.field.untouched()
    assert fuzzed.field.untouched()
    assert min(verdicts.get(kind, 0) for kind in ("deny", "True", "False")) > MUTATED // 100


def _starts_a_process(tool: str, arguments: Any) -> bool:
    """A regular expression is matched in a process of its own, which takes 20 ms."""
    wants = arguments.get("regex") if isinstance(arguments, dict) else '"regex": true' in arguments
    return tool == "search_code" and wants is True


TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(HOSTILE)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
KEYS = sorted({key for arguments in VALID.values() for key in arguments})
ARGUMENTS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6)
NEARLY_VALID = st.fixed_dictionaries({}, optional=dict.fromkeys(("path", "content"), TEXT))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    tool=st.sampled_from(sorted(VALID)) | st.text(max_size=30),
    arguments=ARGUMENTS
    | NEARLY_VALID
    | JSON.map(lambda value: json.dumps(value, default=str))
    | st.text(),
    caller=st.sampled_from(("model", "harness")),
)
def test_any_arguments(fuzzed: Fuzzed, tool: str, arguments: Any, caller: str) -> None:
    if isinstance(arguments, dict):
        arguments.pop("regex", None)
    fuzzed.call(tool, arguments, caller)
    assert fuzzed.field.untouched()


def test_a_harmless_call_of_each_tool_works(fuzzed: Fuzzed) -> None:
    """The positive control for both."""
    for tool, arguments in VALID.items():
        assert fuzzed.call(tool, arguments, "harness").ok, tool


@pytest.mark.parametrize("size", [1_999_000, 2_000_001, 20_000_000])
def test_huge_arguments(fuzzed: Fuzzed, size: int) -> None:
    for tool in VALID:
        for text in ("x" * size, '{"path": "' + "a" * size + '"}', "[" * size, " " * size):
            assert not fuzzed.call(tool, text, "model").ok
    huge = {"path": "src/huge.py", "content": "x" * size}
    assert not fuzzed.call("write_file", huge, "harness").ok
    assert fuzzed.call("write_file", {**huge, "content": "x" * 1_000_000}, "harness").ok
