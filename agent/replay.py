"""A finished run again: its tool calls and test runs, from the answers that its record holds.

The model is not asked, and nothing is applied: each recorded call is made once more in a fresh
copy of the repository as it was, with the same edits in place, and must be decided alike and have
the same effect. For a test run that is the outcome of every test; times may differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import home, record
from agent.errors import AgentError
from agent.lanes import FIRST, another_copy
from agent.packing import NotKept, sha256, unpacked
from agent.state import Task
from agent.tracing import DECISION, MODEL, PARTS, TOOL, TREE, prompt_hash
from agent.trials import TestBench
from agent.wiring import LONGEST_RUN, USUAL, ruled_policy
from tools import rules
from tools.gateway import Gateway, ToolRecord
from tools.policy import stop_file
from tools.sandbox import choose
from tools.testing import TestRunner, detect
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

Entry = Mapping[str, Any]
BY_HAND = "run.stopped"
"""The rule of decisions that came from outside and are not expected again."""


@dataclass
class Replayed:
    """What came of it. `divergence` is empty when all was as recorded."""

    calls: int = 0
    test_runs: int = 0
    answers: int = 0
    divergence: str = ""
    limits: dict[str, int] = field(default_factory=dict)
    """What could not be held against the record, and how often."""

    def limit(self, why: str) -> None:
        self.limits[why] = self.limits.get(why, 0) + 1


@dataclass(frozen=True)
class _Lane:
    """A copy of the repository and the calls that were made in it."""

    workspace: Workspace
    gateway: Gateway


class Diverged(AgentError):
    """The first thing that is not as recorded; the text says what was and what is."""


def replay(task: Task, directory: Path, scratch: Path, say: Callable[[str], None]) -> Replayed:
    """Repeat the run in `directory`, working in the empty folder `scratch`.

    `say` hears what is being done. Raises AgentError or ToolsError where it cannot be repeated
    at all: a damaged record, no copy of the repository any more, no sandbox.
    """
    path = directory / home.RECORD
    if problem := record.verify(path):
        raise AgentError(f"It cannot be replayed: {problem}")
    entries: list[Entry] = list(record.read(path))
    if not any(entry["kind"] == DECISION for entry in entries):
        raise AgentError("It cannot be replayed: its record holds no decision on a tool call.")
    done = Replayed()
    with ExitStack() as stack:
        workspace = Workspace.again(directory / home.WORKSPACE, scratch)
        stack.callback(workspace.close)
        again = _Replay(task, workspace, entries, done, stack, directory, scratch)
        try:
            for number, entry in enumerate(entries):
                say(f"line {number + 1} of {len(entries)}: {entry['kind']}")
                again.step(entry)
        except Diverged as difference:
            done.divergence = str(difference)
    return done


class _Replay:
    def __init__(
        self,
        task: Task,
        workspace: Workspace,
        entries: list[Entry],
        done: Replayed,
        stack: ExitStack,
        directory: Path,
        scratch: Path,
    ) -> None:
        self._origin, self._scratch = directory / home.WORKSPACE, scratch
        self._task, self._workspace, self._done = task, workspace, done
        self._plan = detect(workspace.source, task.test_command)
        self._sandbox = choose(allow_unsandboxed=task.allow_unsandboxed)
        self._stack = stack.enter_context(ExitStack())
        self._rules = rules.load(USUAL, workspace.source)
        self._ended = set(_ended(entries))
        self._session = 0
        self._asked: list[tuple[str, str]] = []
        self._heard: ToolRecord | None = None
        self._made: dict[int, ToolRecord | None] = {}
        """What came of calls, by their recorded numbers; calls of two lanes overlap."""
        self._begin()

    def step(self, entry: Entry) -> None:
        data = entry["data"]
        match entry["kind"]:
            case "started":
                self._start(data)
            case "risk" if data["high"]:
                self._policy.downgrade(data["text"])
            case kind if kind == TREE:
                self._lane(data).workspace.reset(self._tree(data["files"]))
            case kind if kind == MODEL:
                self._answer(entry)
            case kind if kind == DECISION:
                self._decide(entry)
            case kind if kind == TOOL:
                self._compare(entry)
            case "done":
                self._finish(entry)

    def _start(self, data: Mapping[str, Any]) -> None:
        self._session += 1
        if data.get("policy", {}).get("version") != self._rules.version:
            self._done.limit("the policy is another one now")
        if not str(data["facts"]["sandbox"]).startswith(self._sandbox.name):
            self._done.limit("the sandbox is another one now")
        self._begin()

    def _begin(self) -> None:
        """As each session of a run does: counts from zero, no test worker, no edits."""
        self._stack.close()
        self._workspace.reset()
        self._workspace.restore()
        runner = TestRunner(self._plan, self._workspace.root, self._sandbox, timeout=LONGEST_RUN)
        self._bench = TestBench(runner, self._workspace, lambda *_: None, self._stack)
        self._policy = ruled_policy(self._rules, [stop_file(home.state_root())])
        toolbox = build_toolbox(self._workspace, self._sandbox, self._policy, self._bench)
        gateway = Gateway(toolbox, self._policy, self._hear)
        self._lanes = {FIRST: _Lane(self._workspace, gateway)}

    def _lane(self, data: Mapping[str, Any]) -> _Lane:
        """Where the call was made, or the edits were found; copied when it is first named."""
        number = int(data.get("lane", FIRST))
        if number not in self._lanes:
            folder = self._scratch / f"lane-{number}-{self._session}"
            copy = another_copy(
                self._origin, folder, self._sandbox, self._policy, self._bench, self._stack
            )
            gateway = self._lanes[FIRST].gateway.beside(copy.toolbox, self._hear)
            self._lanes[number] = _Lane(copy.workspace, gateway)
        return self._lanes[number]

    def _hear(self, call: ToolRecord) -> None:
        self._heard = call

    def _tree(self, files: Mapping[str, Any]) -> dict[str, str | None]:
        """Raises Diverged: without the edits nothing behind them would be the same."""
        tree: dict[str, str | None] = {}
        for path, told in files.items():
            try:
                content = unpacked(told, self._workspace.original(path))
            except NotKept as error:
                raise Diverged(f"The edits of {path} cannot be had again: {error}.") from error
            tree[path] = None if content is None else content.decode("utf-8", "surrogateescape")
        return tree

    def _answer(self, entry: Entry) -> None:
        data = entry["data"]
        self._done.answers += 1
        self._asked = [(name, arguments) for name, arguments in data.get("tool_calls", ())]
        parts = {key: data[key] for key in PARTS if key in data}
        if not parts:
            self._done.limit("the text of a prompt was not kept, only its hash")
        elif "[redacted: " in str(parts):
            self._done.limit("a secret was left out of a prompt's text")
        elif prompt_hash(parts) != data.get("prompt_sha256"):
            raise Diverged(f"Line {entry['seq'] + 1}: the prompt is not the one that was hashed.")

    def _decide(self, entry: Entry) -> None:
        data = entry["data"]
        if (self._session, data["call"]) not in self._ended:
            return  # the run ended before the call did
        recorded, self._made[data["call"]] = data["decision"], None
        if recorded["rule"] == BY_HAND or recorded["rule"].startswith("arguments."):
            return  # stopped by a person; or no arguments that could be given again
        try:
            given = self._given(data["given"], data["tool"])
        except NotKept as error:
            self._done.limit(f"a call was not repeated: {error}")
            return
        if data["caller"] == "model" and not self._was_asked(data["tool"], given):
            raise Diverged(
                f"Line {entry['seq'] + 1}: no recorded answer of the model asks for call "
                f"{data['call']}, {data['tool']}."
            )
        result = self._lane(data).gateway.call(
            data["tool"], given, caller=data["caller"], read_only=data["read_only"]
        )
        self._made[data["call"]] = self._heard
        was, now = recorded["verdict"], result.decision.verdict
        if (was, recorded["rule"]) != (now, result.decision.rule):
            raise Diverged(
                f"Line {entry['seq'] + 1}: call {data['call']}, {data['tool']}, was decided "
                f"{was} ({recorded['rule']}), and is now {now} ({result.decision.rule})."
            )

    def _given(self, given: Mapping[str, Any], tool: str) -> dict[str, Any]:
        if "cut" in given:
            raise NotKept("its arguments were too long to be kept")
        if tool == "write_file" and isinstance(given.get("content"), dict):
            content = unpacked(given["content"], self._workspace.original(given["path"]))
            return {**given, "content": (content or b"").decode("utf-8", "surrogateescape")}
        if "[redacted: " in str(given):
            raise NotKept("a secret in it was left out of the record")
        return dict(given)

    def _was_asked(self, tool: str, given: Mapping[str, Any]) -> bool:
        for name, arguments in self._asked:
            try:
                asked = json.loads(arguments or "{}")
            except ValueError:
                continue
            if name == tool and asked == given:
                return True
        return False

    def _compare(self, entry: Entry) -> None:
        data = entry["data"]
        now = self._made.pop(data["call"], None)
        if now is None:
            return
        self._done.calls += 1
        self._done.test_runs += data["tool"] == "run_tests"
        if data["decision"]["verdict"] != "allow":
            return
        if not (data["effect"] and now.effect):
            self._done.limit("a test run was stopped at its time limit, then or now")
        elif (data["ok"], data["effect"]) != (now.ok, now.effect):
            raise Diverged(
                f"Line {entry['seq'] + 1}: call {data['call']}, {data['tool']} "
                f"{data['arguments']}, gave: {data['summary']!r}; now: {now.summary!r}."
            )

    def _finish(self, entry: Entry) -> None:
        wanted = entry["data"].get("patch_sha256")
        if wanted is not None and wanted != sha256(self._workspace.patch()):
            raise Diverged(f"Line {entry['seq'] + 1}: the patch is not the one that was written.")


def _ended(entries: list[Entry]) -> Iterator[tuple[int, int]]:
    """Session and number of the calls that the record tells the end of."""
    session = 0
    for entry in entries:
        session += entry["kind"] == "started"
        if entry["kind"] == TOOL:
            yield session, entry["data"]["call"]
