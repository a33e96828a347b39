"""With more lanes the same candidates are judged, in the same order, as with one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pytest

from agent.repair.ahead import AHEAD, IN_VAIN, Admitted, Ahead
from agent.repair.budget import Budget
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence, Splice, Verdict
from agent.repair.verify import SearchVerifier
from tools.report import Outcome, TestReport, TestResult

SOURCE = "def f(a):\n    return a\n"
TARGET, OTHER = "test_m.py::test_f", "test_m.py::test_g"
LONG = 20.0
"""Seconds after which a test that waits for another thread gives up."""


class Lane:
    """Outcomes decided by the text of `m.py`: `good` mends all, `bad` mends and breaks a test."""

    def __init__(self, report: Callable[[str], TestReport] | None = None) -> None:
        self.report = report
        self.ran: list[str] = []
        self.under_way = 0

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        self.under_way += 1
        try:
            text = files["m.py"]
            self.ran.append(text)
            if self.report is not None:
                return self.report(text)
            return reported(text, (TARGET, OTHER) if selection is None else selection)
        finally:
            self.under_way -= 1


def reported(text: str, selection: Sequence[str]) -> TestReport:
    passing = {TARGET: "good" in text or "bad" in text, OTHER: "bad" not in text}
    outcomes = {name: Outcome.PASSED if passing[name] else Outcome.FAILED for name in selection}
    return TestReport(results=tuple(TestResult(id=n, outcome=o) for n, o in outcomes.items()))


def returning(value: str) -> Candidate:
    start = SOURCE.index("return a") + 7
    return Candidate(
        strategy="template", splices=(Splice(path="m.py", start=start, end=start + 1, text=value),)
    )


NAMES = ["x1", "x1", "(", *"klmno", "bad1", "good1", *"pqrst", "good2", "bad2", *"uvw", "good3"]
CANDIDATES = [returning(name) for name in NAMES]


def told(verdicts: Sequence[Verdict]) -> list[tuple[object, ...]]:
    return [
        (v.candidate, v.target_passed, v.regressions, v.whole_suite, v.rejected) for v in verdicts
    ]


@pytest.mark.parametrize(("others", "patience"), list(product([1, 2], [0, 4])))
def test_more_lanes_give_the_same_verdicts(
    evidence: Callable[..., Evidence], others: int, patience: int
) -> None:
    before = evidence(SOURCE, "f")

    def judged(others: int) -> tuple[list[tuple[object, ...]], int, list[tuple[object, ...]]]:
        budget = Budget(deadline=100.0, clock=lambda: 0.0, test_runs=30)
        lanes = [Lane() for _ in range(others)]
        verifier = SearchVerifier(
            Lane(),
            (PythonLanguage(),),
            clock=lambda: 0.0,
            patience=patience,
            others=lambda: lanes,
        )
        first = told(list(verifier.verify(CANDIDATES, before, budget)))
        used = budget.test_runs_used
        again = told(list(verifier.verify(CANDIDATES, before, budget)))
        assert not any(lane.under_way for lane in lanes)
        return first, used, again

    alone, beside = judged(0), judged(others)
    assert beside == alone
    assert len(alone[0]) == (14 if patience else len(NAMES))
    assert {row[4] for row in alone[0]} == {"", "seen already", "does not parse"}
    assert any(row[2] for row in alone[0]), "a regression"
    if patience:
        fresh = [row for row in alone[2] if not row[4]]
        assert fresh, "what was begun behind the stop can be judged in a later round"


def ahead(lanes: Sequence[Lane], texts: Sequence[str], dropped: list[str] | None = None) -> Ahead:
    given = [Admitted({"m.py": text}, key=(text,)) for text in texts]
    into = [] if dropped is None else dropped
    drop = lambda admitted: into.append(admitted.files["m.py"])  # noqa: E731
    return Ahead(given, drop, lanes, [TARGET], stop_at_first=False)


def test_two_lanes_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=LONG)

    def meet(text: str) -> TestReport:
        both.wait()
        return TestReport(output=text)

    with ahead([Lane(meet), Lane(meet)], ["a", "b", "c", "d"]) as begun:
        outputs = [begun.take()[1] for _ in "abcd"]
    assert [report.output for report in outputs if report] == ["a", "b", "c", "d"]


def test_a_lane_goes_on_while_the_first_candidate_takes_long() -> None:
    others = list("bcdefgh")
    done = threading.Semaphore(0)

    def run(text: str) -> TestReport:
        if text == "a":
            for _ in others:
                assert done.acquire(timeout=LONG)
        else:
            done.release()
        return TestReport(output=text)

    with ahead([Lane(run), Lane(run)], ["a", *others]) as begun:
        outputs = [begun.take()[1] for _ in range(8)]
    assert [report.output for report in outputs if report] == ["a", *others]


@pytest.mark.parametrize(
    ("spoiled", "again"),
    [
        (TestReport(starved=True, exit_code=1), True),
        (TestReport(problem="The test worker ended."), True),
        (TestReport(timed_out=True, exit_code=1), False),
        (TestReport(problem="Selected but not found.", exit_code=4), False),
    ],
)
def test_what_the_load_may_have_spoiled_is_run_again_alone(
    spoiled: TestReport, again: bool
) -> None:
    begun_once: set[str] = set()
    beside: list[int] = []

    def run(text: str) -> TestReport:
        if text in "bf" and text not in begun_once:
            begun_once.add(text)
            return spoiled
        if text in "bf":
            beside.append(sum(lane.under_way for lane in lanes))
        time.sleep(0.03)  # so that one is under way when another is known to be spoiled
        return TestReport(output=text, exit_code=0)

    lanes = [Lane(run), Lane(run)]
    with ahead(lanes, list("abcdefgh")) as begun:
        reports = [begun.take()[1] for _ in "abcdefgh"]
    sound = [report.output for report in reports if report]
    assert sound == [*("abcdefgh" if again else ["a", "", "c", "d", "e", "", "g", "h"])]
    assert beside == ([1, 1] if again else [])
    ran = sorted(text for lane in lanes for text in lane.ran)
    assert ran == sorted("abcdefgh" + ("bf" if again else ""))


def test_in_one_lane_nothing_is_begun_early_or_twice() -> None:
    lane = Lane(lambda _text: TestReport(starved=True))
    dropped: list[str] = []
    with ahead([lane], ["a", "b", "c"], dropped) as begun:
        assert begun.take()[1] == TestReport(starved=True)
    assert (lane.ran, dropped) == (["a"], [])


def test_what_was_begun_and_not_taken_has_no_consequences() -> None:
    def run(text: str) -> TestReport:
        if text != "a":
            raise RuntimeError(text)
        return TestReport(output=text)

    lanes, dropped = [Lane(run), Lane(run)], []
    threads = set(threading.enumerate())
    texts = ["a", *map(str, range(2 * AHEAD))]
    with ahead(lanes, texts, dropped) as begun:
        report = begun.take()[1]
    assert report is not None
    assert report.output == "a"
    assert dropped == texts[1 : len(dropped) + 1]
    assert 0 < len(dropped) <= AHEAD
    assert set(threading.enumerate()) <= threads
    with ahead(lanes, ["0", "1"]) as begun, pytest.raises(RuntimeError, match="0"):
        begun.take()


def test_once_the_time_is_over_no_run_begins_early() -> None:
    over, began = threading.Event(), threading.Event()

    def run(text: str) -> TestReport:
        if text == "a":
            assert began.wait(LONG)
        else:
            over.set()
            began.set()
        return TestReport(output=text)

    lanes, dropped = [Lane(run), Lane(run)], []
    given = [Admitted({"m.py": text}, key=(text,)) for text in "abcdefgh"]
    drop = lambda admitted: dropped.append(admitted.files["m.py"])  # noqa: E731
    with Ahead(given, drop, lanes, [TARGET], stop_at_first=False, over=over.is_set) as begun:
        reports = [begun.take()[1] for _ in range(2)]
        assert sorted(text for lane in lanes for text in lane.ran) == ["a", "b"]
        reports += [begun.take()[1]]
    assert [report.output for report in reports if report] == ["a", "b", "c"], "asked for, it runs"
    assert dropped == list("defgh")


def test_where_every_run_waits_in_vain_one_lane_goes_on() -> None:
    def run(text: str) -> TestReport:
        return TestReport(output=text, starved=True)

    lanes = [Lane(run), Lane(run)]
    texts = [str(number) for number in range(4 * AHEAD)]
    with ahead(lanes, texts) as begun:
        reports = [begun.take()[1] for _ in texts]
    assert [report.output for report in reports if report] == texts
    assert len(lanes[1].ran) <= AHEAD + IN_VAIN
    for text in texts[IN_VAIN:]:
        assert lanes[0].ran.count(text) <= 2
    assert [lanes[0].ran.count(text) for text in texts[2 * AHEAD :]] == [1] * (2 * AHEAD)
    last = {text: lane for lane in reversed(lanes) for text in lane.ran}
    assert all(last[text] is lanes[0] for text in texts), "what counts ran alone"


def test_both_lanes_go_on_when_runs_end_by_themselves_again() -> None:
    both = threading.Barrier(2, timeout=LONG)
    met = 2 * AHEAD, 2 * AHEAD + 1

    def run(text: str) -> TestReport:
        if int(text) in met:
            both.wait()
        return TestReport(output=text, starved=int(text) < AHEAD)

    texts = [str(number) for number in range(3 * AHEAD)]
    with ahead([Lane(run), Lane(run)], texts) as begun:
        reports = [begun.take()[1] for _ in texts]
    assert [report.output for report in reports if report] == texts
