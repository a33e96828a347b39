"""One task: the real workflow on a fresh copy, then the hidden tests on what it left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent import home, runner
from agent.bench.case import Built, Case, Unsound
from agent.bench.grading import Grading
from agent.bench.misses import Course
from agent.bench.results import Grade, Miss, Result, Settings
from agent.bench.trees import TreeTests
from agent.bench.tried import Story, story, yields
from agent.errors import AgentError, UnknownStrategy
from agent.events import Done, ItemFinished
from agent.report import Report
from agent.state import Approval, Kind, Scope, Status, Task
from agent.thinker import Host
from runtime.errors import EndpointUnreachable, RuntimeFailure
from tools.copy import copy_repository
from tools.errors import SandboxUnavailable, ToolsError

ACTIVE = "VIRTUAL_ENV"


@dataclass(frozen=True)
class Trials:
    """What every task of a benchmark shares."""

    settings: Settings
    host: Host
    tests: TreeTests
    records: Path | None = None
    """Where the runs' records are kept; None to keep none."""

    def run(self, case: Case) -> Result:
        """Everything that is made for a task is gone when its result is known.

        Raises EndpointUnreachable, SandboxUnavailable or UnknownStrategy: every task would fail.
        """
        bare = Result(id=case.id, kinds=case.kinds, grade=Grade.FAILED)
        with TemporaryDirectory(prefix="locum-bench-", ignore_cleanup_errors=True) as name:
            place = Path(name)
            try:
                built = case.build(place / "original", self.tests)
                bare = bare.model_copy(update={"note": built.note})
                return self._mend(case, built, place, bare)
            except Unsound as error:
                return bare.model_copy(update={"grade": Grade.UNSOUND, "problem": str(error)})
            except (EndpointUnreachable, SandboxUnavailable, UnknownStrategy):
                raise
            except (AgentError, ToolsError, RuntimeFailure, OSError) as error:
                return bare.model_copy(update={"problem": str(error), "miss": Miss.COULD_NOT_RUN})

    def _mend(self, case: Case, built: Built, place: Path, bare: Result) -> Result:
        original, tree = place / "original", place / "repo"
        copy_repository(original, tree)
        with _surroundings(place / "state", built.environment):
            run = runner.start(self._task(tree, built), self.host)
            record = home.runs_root() / run.id / home.RECORD
            began, to_fix, done = time.monotonic(), None, None
            try:
                for event in run.events(_approve):
                    if isinstance(event, ItemFinished) and event.item.patch:
                        to_fix = time.monotonic() - began
                    done = event if isinstance(event, Done) else done
            finally:
                self._keep(record, case.id)
            seconds = time.monotonic() - began
            assert done is not None, "a run that ends without an error ends with Done"
            report = Report.model_validate_json(Path(done.report_path).read_text("utf-8"))
            told = story(record)
            measured = bare.model_copy(
                update=_effort(report, told)
                | {
                    "seconds": round(seconds, 2),
                    "seconds_to_fix": None if to_fix is None else round(to_fix, 2),
                }
            )
            return self._judge(measured, built, original, tree, told)

    def _judge(
        self, measured: Result, built: Built, original: Path, tree: Path, told: Story
    ) -> Result:
        course = Course(built, told, original)
        graded = Grading(self.tests, built, original, tree, told).grade(measured.patch)
        return measured.model_copy(
            update={
                **graded.values,
                "miss": course.miss(graded.grade, self.settings.budget_seconds, worse=graded.worse),
                "has_reference": built.reference is not None,
                "rank": course.rank,
                "tried_in_reference": course.tried_in_reference,
            }
        )

    def _task(self, tree: Path, built: Built) -> Task:
        return Task(
            path=str(tree),
            test_command=built.test_command,
            budget_seconds=self.settings.budget_seconds,
            approval=Approval.YES,
            scope=Scope.BUGS,
            explain=False,  # nobody reads it
            model=self.settings.model,
            seed=self.settings.seed,
            strategies=self.settings.strategies,
        )

    def _keep(self, record: Path, case: str) -> None:
        if self.records is not None and record.is_file():
            self.records.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record, self.records / f"{case.replace('/', '-')}.jsonl")


def _effort(report: Report, told: Story) -> dict[str, object]:
    mended = [item for item in report.items if item.kind is Kind.BUG and item.strategy]
    mended = [item for item in mended if item.status in (Status.FIXED, Status.PARTLY)]
    return {
        "headline": report.headline,
        "prompt_tokens": report.effort.prompt_tokens,
        "completion_tokens": report.effort.completion_tokens,
        "plan_seconds": told.plan_seconds,
        "model_seconds": report.effort.model_seconds,
        "test_seconds": told.test_seconds,
        "strategies": yields(verdict for _, verdict in told.tried),
        "winners": tuple(item.strategy for item in mended),
        "operators": tuple(item.operator for item in mended),
        "patch": report.patch,
    }


def _approve(_: runner.ApprovalRequest) -> runner.ApprovalAnswer:
    return runner.ApprovalAnswer(True)


@contextmanager
def _surroundings(state: Path, environment: Path | None) -> Iterator[None]:
    """Runs are kept in `state` and not in the user's own; tests run in `environment`.

    A repository's own virtual environment is not copied with it. So that it is found all the
    same, it is made the active one.
    """
    wanted = {"LOCUM_STATE": str(state)}
    if environment is not None:
        wanted[ACTIVE] = str(environment)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
