"""Two lanes on a real repository: verdicts, record, replay, and what is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from langgraph.runtime import Runtime

from agent import home as runs_home
from agent import lanes, record, searching
from agent.deps import Cancelled, Deps
from agent.events import Event, Note
from agent.host import RemoteHost
from agent.nodes.plan import plan
from agent.packing import unpacked
from agent.repair.ahead import Ahead
from agent.repair.seams import Candidate, Splice, Verdict
from agent.replay import replay
from agent.state import Scope, Task, current_item
from agent.tracing import DECISION, TOOL, TREE
from agent.wiring import build_deps
from tools.errors import SandboxUnavailable, ToolsError
from tools.sandbox import NoSandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.canaries import prove
from tools.sandbox.landlock import Landlock

CODE = """def first(values):
    if len(values) > 1:
        return values[-1]
    return values[0]


def count(limit):
    number = 0
    while number < limit:
        number += 1
    return number
"""
TESTS = """from m import count, first


def test_first():
    assert first([1, 2, 3]) == 1
    assert count(3) == 3


def test_one():
    assert first([5]) == 5


def test_count():
    assert count(0) == 0
"""
EDITS = [
    ("return values[-1]", "return values[1]", "fails"),
    ("return values[-1]", "return values[0]", "survives"),
    ("return values[-1]", "return values[-1] - 2", "survives"),
    ("number += 1", "number -= 1", "hangs"),
    ("return values[-1]", "return values[2]", "fails"),
    ("    if len(values) > 1:\n        return values[-1]\n    return values[0]",
     "    if len(values) > 1:\n        return values[0]\n    return None", "regresses"),
    ("return values[-1]", "return values[-3]", "survives"),
    ("return values[-1]", "return values[", "does not parse"),
    ("return values[-1]", "return values[0]", "seen already"),
    ("return values[-1]", "return 2", "fails"),
    ("return values[-1]", "return 1", "survives"),
    ("number = 0", "number = limit", "fails"),
]  # fmt: skip


def candidates() -> list[Candidate]:
    made = []
    for old, new, _ in EDITS:
        start = CODE.index(old)
        splice = Splice(path="m.py", start=start, end=start + len(old), text=new)
        made.append(Candidate(strategy="template", splices=(splice,)))
    return made


@pytest.fixture(autouse=True)
def confined(home: Path) -> None:
    """Two lanes need the full sandbox."""
    try:
        proof = prove(Bubblewrap())
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    if not proof.sound:
        pytest.skip("bubblewrap does not hold here")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "m.py").write_text(CODE)
    (root / "test_m.py").write_text(TESTS)
    return root


class Search:
    """A run up to its plan, with as many lanes as there are `cores`."""

    def __init__(self, source: Path, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.events: list[Event] = []
        self.cancelled = threading.Event()
        self.task = Task(path=str(source), model="none", budget_seconds=300.0, scope=Scope.BUGS)
        self.stack = ExitStack()

    def __enter__(self) -> Search:
        self.stack.__enter__()
        nowhere = RemoteHost("http://127.0.0.1:9/v1", "none", "none")
        self.deps: Deps = build_deps(
            self.task,
            "run",
            self.directory,
            self.events.append,
            self.cancelled,
            self.stack,
            nowhere,
        )
        self.state = plan({"edits": {}}, Runtime(context=self.deps))
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def verdicts(self, some: list[Candidate]) -> list[Verdict]:
        item = current_item(self.state)
        assert item is not None
        return searching.verdicts(self.deps, self.state, item, some)

    def lines(self) -> list[dict[str, Any]]:
        return list(record.read(self.directory / runs_home.RECORD))


@pytest.fixture
def search(source: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def begin(cores: int) -> Search:
        monkeypatch.setattr(lanes, "physical_cores", lambda: cores)
        return Search(source, home / "state" / "runs" / f"run-{cores}")

    return begin


def told(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    return [verdict.model_dump(exclude={"seconds"}) for verdict in verdicts]


def what(verdict: Verdict) -> str:
    if verdict.rejected or verdict.survives:
        return verdict.rejected or "survives"
    return "regresses" if verdict.regressions else "fails"


def met(lines: list[dict[str, Any]], original: bytes) -> Iterator[tuple[int, list[str]]]:
    """For each run of tests its lane, and the texts of `m.py` written for it and found by it."""
    written: dict[int, str] = {}
    found: dict[int, str] = {}
    for line in lines:
        data = line["data"]
        lane = data.get("lane", 1) if isinstance(data, dict) else 1
        if line["kind"] == TREE:
            files = {path: unpacked(told, original) for path, told in data["files"].items()}
            assert set(files) <= {"m.py"}
            found[lane] = (files.get("m.py") or original).decode()
        elif line["kind"] == DECISION and data["tool"] == "write_file":
            written[lane] = (unpacked(data["given"]["content"], original) or b"").decode()
        elif line["kind"] == DECISION and data["given"].get("stop_at_first") is not None:
            yield lane, [written[lane], found[lane]]


@pytest.mark.slow
def test_two_lanes_judge_as_one_and_their_record_is_repeated(search: Any, tmp_path: Path) -> None:
    found = {}
    for cores in (1, 2):
        with search(cores) as run:
            found[cores] = told(run.verdicts(candidates()))
            lines = run.lines()
            kinds = [what(verdict) for verdict in run.verdicts(candidates()[:0])]
            assert kinds == []
    assert found[2] == found[1]
    kinds = [what(Verdict.model_validate(one)) for one in found[1]]
    assert kinds == [kind.replace("hangs", "fails") for _, _, kind in EDITS]
    runs = list(met(lines, CODE.encode()))
    assert {lane for lane, _ in runs} == {1, 2}, "both lanes were used"
    assert all(written == tree for _, (written, tree) in runs), "each saw its own edit and no other"
    numbers = [line["data"]["call"] for line in lines if line["kind"] == DECISION]
    assert numbers == list(range(1, len(numbers) + 1))
    ended = [line["data"]["call"] for line in lines if line["kind"] == TOOL]
    assert sorted(ended) == numbers
    assert record.verify(run.directory / runs_home.RECORD) == ""
    scratch = tmp_path / "again"
    scratch.mkdir()
    again = replay(run.task, run.directory, scratch, lambda _said: None)
    assert (again.divergence, again.calls) == ("", len(numbers))
    assert list((run.directory.parents[1]).glob("scratch-*")) == []
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.slow
def test_an_accepted_edit_is_in_both_lanes(search: Any) -> None:
    """What the first lane keeps is there for the candidates of the second one."""
    with search(2) as run:
        run.verdicts(candidates())
        kept = CODE.replace("number = 0", "number = 0  # kept")
        run.state = {**run.state, "edits": {"m.py": kept}}
        before = len(run.lines())
        shifted = [
            Candidate(strategy="again", splices=(splice.model_copy(update={"text": new}),))
            for splice in (candidates()[0].splices[0],)
            for new in ("return 7", "return 8", "return 9", "return 10", "return values[:1][0]")
        ]
        verdicts = run.verdicts(shifted)
        assert [what(one) for one in verdicts] == [*["fails"] * 4, "survives"]
        runs = list(met(run.lines()[before:], CODE.encode()))
    assert {lane for lane, _ in runs} == {1, 2}
    assert all("# kept" in text for _, texts in runs for text in texts)
    assert all(written == tree for _, (written, tree) in runs)


@pytest.mark.slow
def test_a_cancelled_run_leaves_no_lane_behind(
    search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Ahead.take
    with search(2) as run:
        taken: list[object] = []

        def cancel(self: Ahead) -> Any:
            taken.append(take(self))
            run.cancelled.set()
            return taken[-1]

        monkeypatch.setattr(Ahead, "take", cancel)
        with pytest.raises(Cancelled):
            run.verdicts(candidates())
        assert len(taken) < len(EDITS)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane")]
        assert (run.deps.workspace.root / "m.py").read_text() == CODE
    assert list((run.directory.parents[1]).glob("scratch-*")) == []
    assert psutil.Process().children(recursive=True) == []


def test_there_is_one_lane_where_two_would_collide(
    search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with search(2) as run:
        second = run.deps.verifier._others
        assert len(second()) == 1, "positive control"
        first = second._first
        for worse in (
            replace(first, sandbox=NoSandbox(allow_unsandboxed=True)),
            replace(first, sandbox=Landlock.__new__(Landlock)),
            replace(first, plan=first.plan.model_copy(update={"kind": "command"})),
        ):
            with monkeypatch.context() as patched:
                patched.setattr(second, "_first", worse)
                assert second() == ()
        for name, less in (("physical_cores", 1), ("memory_available", 3 * first.bench.memory)):
            with monkeypatch.context() as patched:
                patched.setattr(lanes, name, lambda less=less: less)
                assert second() == ()
        assert first.bench.memory > 1 << 20
        assert len(second()) == 1, "and again"


def test_where_there_is_no_room_for_a_second_copy_one_lane_goes_on(
    search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ToolsError("No space is left.")

    with search(2) as run:
        monkeypatch.setattr(lanes, "another_copy", full)
        verdicts = run.verdicts(candidates()[:5])
        kinds = [kind.replace("hangs", "fails") for _, _, kind in EDITS[:5]]
        assert [what(one) for one in verdicts] == kinds
        notes = [event.text for event in run.events if isinstance(event, Note)]
        assert len([text for text in notes if "No space is left." in text]) == 1
        assert {lane for lane, _ in met(run.lines(), CODE.encode())} == {1}
