"""Looking at runs, holding their records to the chain, stopping them and taking them back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent import home as runs_home
from agent import runner
from agent.cli import main
from agent.deps import Cancelled
from agent.errors import Unusable
from agent.events import Event
from agent.record import Record, read
from agent.state import Approval, Task
from runtime.client import Endpoint
from tools.workspace import Workspace

BEFORE, AFTER = "x = 1\n", "x = 2\n"


def agent(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def applied(home: Path, tmp_path: Path) -> tuple[str, Path]:
    """A run that applied a change, and its repository."""
    source = tmp_path / "repo"
    source.mkdir()
    (source / "a.py").write_text(BEFORE)
    (source / "b.py").write_text(BEFORE)
    run_id, directory = runs_home.new_run(Task(path=str(source), model="none"))
    (directory / runs_home.WORKSPACE).mkdir()
    workspace = Workspace.create(source, directory / runs_home.WORKSPACE)
    workspace.write("a.py", AFTER)
    workspace.apply(["a.py"])
    workspace.close()
    log = Record(directory / runs_home.RECORD)
    decision = {"verdict": "deny", "rule": "path.refused"}
    log.write("started", task={}, facts={"tests": "\x1b[31mpytest"})
    log.write(
        "tool", tool="read_file", arguments={"path": "../x"}, caller="model", decision=decision,
        seconds=0.1, summary="leads out",
    )  # fmt: skip
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    log.write("model", purpose="propose", usage=usage, seconds=1.5)
    log.write("done", exit_status=0, headline="Tests pass")
    log.close()
    (directory / "report.json").write_text('{"headline": "Tests pass"}')
    (directory / "summary.md").write_text("# Fix\n")
    return run_id, source


def test_runs_are_listed_and_shown(applied: tuple[str, Path]) -> None:
    run_id, source = applied
    other, _ = runs_home.new_run(Task(path=str(source), model="none"))
    listed = agent("runs").output
    assert f"{run_id}  Tests pass  {source}" in listed
    assert f"{other}  not finished  {source}" in listed
    assert agent("show", run_id).output == "# Fix\n"
    assert json.loads(agent("show", run_id, "--json").stdout) == {"headline": "Tests pass"}
    assert "has not finished" in agent("show", other, "--json").stderr
    rows = json.loads(agent("runs", "--json").stdout)["runs"]
    assert {row["run_id"]: row["headline"] for row in rows} == {
        run_id: "Tests pass", other: "not finished",
    }  # fmt: skip
    assert len(json.loads(agent("runs", "-n", "1", "--json").stdout)["runs"]) == 1
    assert f"agent resume {other}" in agent("show", other).output
    assert agent("show", "../..").exit_code == 2


def test_without_runs_it_says_how_to_make_one(home: Path) -> None:
    result = agent("runs")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent fix PATH`" in result.stderr


def test_the_log_is_readable_and_safe(applied: tuple[str, Path]) -> None:
    lines = agent("log", applied[0]).output.splitlines()
    assert [line.split()[1] for line in lines] == ["started", "tool", "model", "done"]
    assert "model read_file {'path': '../x'}: deny (path.refused, 0.10 s) leads out" in lines[1]
    assert "propose: 7 tokens read, 3 written in 1.5 s" in lines[2]
    assert not any("\x1b" in line for line in lines)
    whole = [json.loads(line) for line in agent("log", applied[0], "--json").output.splitlines()]
    assert [entry["seq"] for entry in whole] == [0, 1, 2, 3]


DAMAGES: dict[str, Callable[[list[str]], list[str]]] = {
    "a word changed": lambda lines: [lines[0], lines[1].replace("deny", "allow"), *lines[2:]],
    "a line removed": lambda lines: [lines[0], *lines[2:]],
    "the first line removed": lambda lines: lines[1:],
    "two lines swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a line repeated": lambda lines: [*lines, lines[-1]],
    "the end cut off": lambda lines: lines[:-1],
    "no line of a record": lambda lines: [*lines[:2], "[]", *lines[2:]],
    "no JSON": lambda lines: [*lines[:2], "{", *lines[2:]],
    "everything removed": lambda lines: [],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_change_of_the_record_is_found(applied: tuple[str, Path], damage: str) -> None:
    whole = agent("audit", "verify", applied[0])
    assert (whole.exit_code, "4 lines, unchanged" in whole.output) == (0, True)
    path = runs_home.runs_root() / applied[0] / runs_home.RECORD
    lines = path.read_text("utf-8").splitlines()
    path.write_text("".join(f"{line}\n" for line in DAMAGES[damage](lines)), "utf-8")
    found = agent("audit", "verify", applied[0])
    assert found.exit_code == 1, found.output
    assert "Traceback" not in found.output


def test_undo_takes_back_what_was_applied_once(applied: tuple[str, Path]) -> None:
    run_id, source = applied
    assert (source / "a.py").read_text() == AFTER
    (source / "b.py").write_text("mine\n")
    done = agent("undo", run_id)
    assert done.exit_code == 0, done.output
    assert "a.py" in done.output
    assert (source / "a.py").read_text() == BEFORE
    assert (source / "b.py").read_text() == "mine\n"
    entries = list(read(runs_home.runs_root() / run_id / runs_home.RECORD))
    assert entries[-1]["data"] == {"files": ["a.py"]}
    again = agent("undo", run_id)
    assert (again.exit_code, "nothing that could be undone" in again.output) == (2, True)


def test_undo_refuses_when_a_file_was_changed_since(applied: tuple[str, Path]) -> None:
    run_id, source = applied
    (source / "a.py").write_text("mine\n")
    refused = agent("undo", run_id)
    assert refused.exit_code == 2
    assert "changed meanwhile, so nothing was undone" in refused.output
    assert (source / "a.py").read_text() == "mine\n"
    (source / "a.py").write_text(AFTER)
    assert agent("undo", run_id).exit_code == 0, "positive control"


@pytest.fixture
def hanging(home: Path, tmp_path: Path) -> Task:
    """A repository whose tests never end."""
    root = tmp_path / "hanging"
    root.mkdir()
    (root / "test_x.py").write_text("import time\ndef test_x():\n    time.sleep(600)\n")
    return Task(path=str(root), model="none", endpoint="http://127.0.0.1:9/v1")


def stopped_by(command: tuple[str, ...], task: Task) -> Exception:
    """What ends a run that is stopped while its tests hang."""
    run = runner.start(task)
    begun, ended = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        try:
            for event in run.events(lambda _: runner.ApprovalAnswer(False)):
                if _is_running(event):
                    begun.set()
        except Exception as error:
            failures.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    assert not ended.wait(1), "positive control: it does not end by itself"
    done = agent(*(word.replace("RUN", run.id) for word in command))
    assert done.exit_code == 0, done.output
    assert ended.wait(10), "it must end at once"
    thread.join()
    return failures[0]


def _is_running(event: Event) -> bool:
    return event.event == "phase-started"


@pytest.mark.parametrize("command", [("stop", "RUN"), ("stop",), ("stop", "--all")])
def test_stop_ends_a_run_whose_tests_hang(hanging: Task, command: tuple[str, ...]) -> None:
    assert isinstance(stopped_by(command, hanging), Cancelled)
    assert agent("stop", "--lift").exit_code == 0


def test_after_stop_all_no_run_begins_until_it_is_lifted(hanging: Task) -> None:
    assert agent("stop", "--all").exit_code == 0
    with pytest.raises(Unusable, match="--lift"):
        next(runner.start(hanging).events(lambda _: runner.ApprovalAnswer(False)))
    assert agent("stop", "--lift").exit_code == 0
    events = runner.start(hanging).events(lambda _: runner.ApprovalAnswer(False))
    assert next(events).event == "doing", "positive control"
    events.close()


def test_stop_ends_a_request_to_the_model(
    home: Path, tmp_path: Path, serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    engine = FakeEngine(endless=True)
    endpoint = serve(engine)
    monkeypatch.setenv("LOCUM_TOKEN", endpoint.token)
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text("def f(a):\n    return unknown_helper(a) + 7\n")
    (root / "test_calc.py").write_text(
        "from calc import f\ndef test_f():\n    assert f(3) == 'no such value'\n"
    )
    task = Task(path=str(root), model="fake", endpoint=endpoint.base_url, approval=Approval.DRY_RUN)
    run = runner.start(task)
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in run.events(lambda _: runner.ApprovalAnswer(False)):
                continue
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert engine.started.wait(60)
    assert agent("stop", run.id).exit_code == 0
    thread.join(15)
    alive = thread.is_alive()
    engine.endless = False
    thread.join()
    assert not alive
    assert isinstance(failures[0], Cancelled)


def test_stop_words_that_make_no_sense(home: Path) -> None:
    assert agent("stop", "x", "--all").exit_code == 2
    assert agent("stop", "no-such-run").exit_code == 2
    assert agent("stop").exit_code == 2
