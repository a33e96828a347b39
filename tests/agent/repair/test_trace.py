from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.repair.budget import Budget
from agent.repair.prompt import FixPrompt
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence, Splice, Suspect
from agent.repair.trace import MAX_VALUES, TraceProposer, told
from tools.report import CallSeen, Watched

SOURCE = "def f(a):\n    b = a\n    return b\n\n\ndef g():\n    return 1\n"
CALL = CallSeen(arguments={"a": "3"}, returned="3")
WATCHED = Watched(count=1, calls=(CALL,), lines=((2, "b", "3"),))
Build = Callable[..., Evidence]


class Seen:
    """Tells the same of every function."""

    def __init__(self, watched: Watched | None) -> None:
        self.watched = watched
        self.asked: list[tuple[str, str]] = []

    def watch(self, test: str, suspect: Suspect) -> Watched | None:
        self.asked.append((test, suspect.name))
        return self.watched


class Asked:
    """One candidate, and the evidence that it was asked with."""

    name = "branch"

    def __init__(self) -> None:
        self.given: list[Evidence] = []

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        self.given.append(evidence)
        splice = Splice(path="m.py", start=0, end=0, text="#")
        yield Candidate(strategy="branch", operator="rest of line", splices=(splice,))


def test_other_proposers_are_asked_with_the_values(evidence: Build, budget: Budget) -> None:
    watcher, inner = Seen(WATCHED), Asked()
    (candidate,) = TraceProposer(watcher, (inner,), rank=1).propose(
        evidence(SOURCE, "f", "g"), budget
    )
    assert (candidate.strategy, candidate.operator) == ("trace", "branch: rest of line")
    assert watcher.asked == [("test_m.py::test_f", "g")]
    (given,) = inner.given
    assert [suspect.name for suspect in given.suspects] == ["g"]
    assert "g(a=3) returned 3" in given.values
    assert budget.test_runs_used == 1


def test_the_values_stand_in_the_question(evidence: Build, budget: Budget) -> None:
    inner = Asked()
    before = evidence(SOURCE, "f")
    list(TraceProposer(Seen(WATCHED), (inner,)).propose(before, budget))
    prompt = FixPrompt((PythonLanguage(),))
    shown = prompt.shown(before, before.suspects[0])
    assert shown is not None
    asked = prompt.messages(inner.given[0], shown)[-1]["content"]
    assert "Values when the test ran:" in asked
    assert "line 2: b = 3" in asked
    assert "Values when the test ran:" not in prompt.messages(before, shown)[-1]["content"]


def test_without_values_nothing_is_asked(evidence: Build, budget: Budget) -> None:
    for watched in (None, Watched(count=0)):
        inner = Asked()
        assert (
            list(TraceProposer(Seen(watched), (inner,)).propose(evidence(SOURCE, "f"), budget))
            == []
        )
        assert inner.given == []


def test_no_such_suspect_and_a_spent_budget_run_no_test(evidence: Build, budget: Budget) -> None:
    watcher = Seen(WATCHED)
    assert (
        list(TraceProposer(watcher, (Asked(),), rank=1).propose(evidence(SOURCE, "f"), budget))
        == []
    )
    budget.tokens, budget.tokens_used = 1, 1
    assert list(TraceProposer(watcher, (Asked(),)).propose(evidence(SOURCE, "f"), budget)) == []
    assert watcher.asked == []


def test_calls_that_raised_and_calls_left_out_are_told(evidence: Build) -> None:
    suspect = evidence(SOURCE, "f").suspects[0]
    raised = CallSeen(arguments={"a": "0"}, raised="ValueError: 'no'")
    text = told(Watched(count=7, calls=(CALL, raised)), suspect)
    assert text.splitlines() == [
        "7 calls in all; the last ones:",
        "f(a=3) returned 3",
        "f(a=0) raised ValueError: 'no'",
    ]


def test_many_values_are_cut(evidence: Build) -> None:
    suspect = evidence(SOURCE, "f").suspects[0]
    lines = tuple((n, "x" * 50, "1") for n in range(100))
    assert len(told(Watched(count=1, calls=(CALL,), lines=lines), suspect)) < MAX_VALUES + 100
