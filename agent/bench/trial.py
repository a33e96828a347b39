"""One task: the real workflow on a fresh copy, then the hidden tests on what it left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent import home, runner
from agent.bench.case import Built, Case, Unsound
from agent.bench.results import Grade, Result, Settings
from agent.bench.trees import TreeTests
from agent.bench.tried import verdicts, yields
from agent.errors import AgentError, UnknownStrategy
from agent.events import Done, ItemFinished
from agent.repair.seams import Verdict
from agent.report import Report
from agent.state import Approval, Kind, Scope, Status, Task
from agent.thinker import Host
from runtime.errors import EndpointUnreachable, RuntimeFailure
from tools.copy import copy_repository
from tools.errors import SandboxUnavailable, ToolsError

MOST_JUDGED = 100
"""Survivors of one run whose hidden tests are run."""


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
                return bare.model_copy(update={"problem": str(error)})

    def _mend(self, case: Case, built: Built, place: Path, bare: Result) -> Result:
        original, tree = place / "original", place / "repo"
        copy_repository(original, tree)
        with _state_in(place / "state"):
            began = time.monotonic()
            run = runner.start(self._task(tree), self.host)
            done, to_fix = None, None
            for event in run.events(_approve):
                if isinstance(event, ItemFinished) and event.item.patch:
                    to_fix = time.monotonic() - began
                done = event if isinstance(event, Done) else done
            seconds = time.monotonic() - began
            record = home.runs_root() / run.id / home.RECORD
        assert done is not None, "a run that ends without an error ends with Done"
        self._keep(record, case.id)
        report = Report.model_validate_json(Path(done.report_path).read_text("utf-8"))
        told = list(verdicts(record))
        measured = bare.model_copy(
            update=_effort(report)
            | {
                "seconds": round(seconds, 2),
                "seconds_to_fix": None if to_fix is None else round(to_fix, 2),
                "strategies": yields(verdict for _, verdict in told),
            }
        )
        return self._judge(measured, built, original, tree, told)

    def _judge(
        self,
        measured: Result,
        built: Built,
        original: Path,
        tree: Path,
        told: Sequence[tuple[int, Verdict]],
    ) -> Result:
        _lay(tree, built.hidden)
        final = self.tests.judge(tree, built.hidden.keys())
        grade = (
            Grade.RIGHT if final.right else Grade.OVERFITS if final.plausible else Grade.NOT_FIXED
        )
        update: dict[str, object] = {
            "grade": grade,
            "visible": (final.visible.passed, final.visible.total),
            "hidden": (final.hidden.passed, final.hidden.total),
        }
        # With several items, a survivor lies on top of edits that a later item changes again.
        if len({item for item, _ in told}) == 1:
            survivors = _different(verdict for _, verdict in told if verdict.survives)
            _lay(original, built.hidden)
            right = [
                judgement.right
                for judgement in self.tests.judge_edits(
                    original, built.hidden.keys(), [v.candidate.splices for v in survivors]
                )
            ]
            if right:
                update |= {"first_right": right[0], "any_right": any(right)}
                update |= {"survivors_judged": len(right)}
        return measured.model_copy(update=update)

    def _task(self, tree: Path) -> Task:
        return Task(
            path=str(tree),
            budget_seconds=self.settings.budget_seconds,
            approval=Approval.YES,
            scope=Scope.BUGS,
            model=self.settings.model,
            seed=self.settings.seed,
            strategies=self.settings.strategies,
        )

    def _keep(self, record: Path, case: str) -> None:
        if self.records is not None:
            self.records.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record, self.records / f"{case.replace('/', '-')}.jsonl")


def _effort(report: Report) -> dict[str, object]:
    mended = [item for item in report.items if item.kind is Kind.BUG and item.strategy]
    mended = [item for item in mended if item.status in (Status.FIXED, Status.PARTLY)]
    return {
        "headline": report.headline,
        "prompt_tokens": report.effort.prompt_tokens,
        "completion_tokens": report.effort.completion_tokens,
        "model_seconds": report.effort.model_seconds,
        "winners": tuple(item.strategy for item in mended),
        "operators": tuple(item.operator for item in mended),
        "patch": report.patch,
    }


def _different(survivors: Iterator[Verdict]) -> list[Verdict]:
    """One for each edit, at most as many as are judged, the first one first."""
    found: dict[tuple[object, ...], Verdict] = {}
    for verdict in survivors:
        key = tuple((s.path, s.start, s.end, s.text) for s in verdict.candidate.splices)
        found.setdefault(key, verdict)
    return list(found.values())[:MOST_JUDGED]


def _lay(root: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _approve(_: runner.ApprovalRequest) -> runner.ApprovalAnswer:
    return runner.ApprovalAnswer(True)


@contextmanager
def _state_in(directory: Path) -> Iterator[None]:
    """Runs are kept there and not in the user's own state."""
    before = os.environ.get("LOCUM_STATE")
    os.environ["LOCUM_STATE"] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LOCUM_STATE"]
        else:
            os.environ["LOCUM_STATE"] = before
