"""Survivors are told apart by what they do on inputs that their tests do not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.repair.behaviour import Behaviours
from agent.repair.budget import Budget
from agent.repair.python.language import PythonLanguage
from agent.repair.python.probes import PythonProbes
from agent.repair.rank import BehaviourRanker
from agent.repair.seams import Candidate, Evidence, Splice, Verdict
from tools.report import Outcome, TestReport, TestResult
from tools.sandbox import NoSandbox
from tools.testing import TestRunner, detect

LANGUAGES = (PythonLanguage(),)
Run = Callable[[Path], "Trials"]


class Trials:
    """The files of a repository replaced on disk, and its tests run by a real worker."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        runner = TestRunner(detect(root), root, NoSandbox(allow_unsandboxed=True), timeout=60)
        self.session = stack.enter_context(runner.session())
        self.reports: list[TestReport] = []

    def run(
        self,
        files: Mapping[str, str],
        selection: Sequence[str] | None,
        *,
        stop_at_first: bool = False,
    ) -> TestReport:
        before = {path: (self.root / path).read_text() for path in files if self._there(path)}
        for path, text in files.items():
            (self.root / path).write_text(text)
        self.reports.append(self.session.run(selection, 20.0, stop_at_first))
        for path in files:
            (self.root / path).unlink()
        for path, text in before.items():
            (self.root / path).write_text(text)
        return self.reports[-1]

    def _there(self, path: str) -> bool:
        return (self.root / path).is_file()


@pytest.fixture
def trials() -> Iterator[Run]:
    with ExitStack() as stack:
        yield lambda root: Trials(root, stack)


def evidence_of(root: Path, *ids: str) -> Evidence:
    failing = tuple(
        TestResult(id=name, outcome=Outcome.FAILED, path=name.partition("::")[0]) for name in ids
    )
    return Evidence(root=root, failing=failing, baseline=TestReport(results=failing), suspects=())


def survivor(root: Path, old: str, new: str, nats: float = -3.0, path: str = "m.py") -> Verdict:
    start = (root / path).read_text().index(old)
    splice = Splice(path=path, start=start, end=start + len(old), text=new)
    candidate = Candidate(strategy="branch", splices=(splice,), log_probability=nats)
    return Verdict(candidate=candidate, target_passed=1, target_total=1, whole_suite=True)


def behaviours(runner: Trials) -> Behaviours:
    return Behaviours(runner, PythonProbes(), LANGUAGES)


LARGEST = {
    "m.py": "def largest(items):\n    return items[0]\n",
    "test_m.py": """\
import pytest

from m import largest


@pytest.fixture
def items():
    return [3, 9, 4]


def test_largest(items):
    assert largest(items) == 9


def test_empty():
    with pytest.raises((ValueError, IndexError)):
        largest([])
""",
}


def test_an_edit_that_only_fits_the_tests_does_not_come_first(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(LARGEST)
    second = survivor(root, "items[0]", "items[1]", -2.0)
    highest = survivor(root, "items[0]", "max(items)", -2.4)
    iterated = survivor(root, "items[0]", "max(iter(items))", -2.4)
    ordered = survivor(root, "items[0]", "sorted(items)[-1]", -3.0)
    before = evidence_of(root, "test_m.py::test_largest")
    runner = trials(root)
    alone = BehaviourRanker(LANGUAGES).rank([second, highest, iterated, ordered], before, budget)
    assert alone.order[0] == second
    assert (alone.behaviours, alone.agreeing) == (0, (0, 0, 0, 0))
    ranker = BehaviourRanker(LANGUAGES, behaviours(runner))
    ranking = ranker.rank([second, highest, iterated, ordered], before, budget)
    # Raising ValueError and raising IndexError for no items at all are different behaviours.
    assert ranking.behaviours == 3
    assert ranking.order == (highest, second, ordered, iterated)
    assert ranking.agreeing == (2, 1, 1, 2)
    assert budget.test_runs_used == len(runner.reports) == 5
    assert sorted(path.name for path in root.glob("*.py")) == ["m.py", "test_m.py"]


def test_what_behaves_alike_is_alike_and_what_does_not_is_not(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(LARGEST)
    texts = ["max(items)", "max([*items])", "items[1]", "9 if items[1] == 9 else items[0]"]
    survivors = [survivor(root, "items[0]", text) for text in texts]
    told = behaviours(trials(root)).of(
        survivors, evidence_of(root, "test_m.py::test_largest"), budget
    )
    assert told[0] == told[1] != {}
    assert len({str(sorted(answers.items())) for answers in told}) == 3


def test_methods_of_unittest_cases_parameters_and_coroutines_are_probed(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(
        {
            "m.py": "class Account:\n"
            "    def __init__(self, start):\n        self.total = start\n\n"
            "    def add(self, amount):\n        self.total = amount\n\n\n"
            "async def later(n):\n    return n\n",
            "test_m.py": """\
import asyncio
import unittest

import pytest

from m import Account, later


class TestAccount(unittest.TestCase):
    def setUp(self):
        self.account = Account(2)

    def test_add(self):
        self.account.add(2)
        self.assertEqual(self.account.total, 4)


@pytest.mark.parametrize("n", [0, 1])
def test_later(n):
    assert asyncio.run(later(n)) == n * n
""",
        }
    )
    before = evidence_of(root, "test_m.py::TestAccount::test_add", "test_m.py::test_later[1]")
    runner = trials(root)
    adds = [
        survivor(root, "self.total = amount", text)
        for text in ("self.total += amount", "self.total = self.total + amount", "self.total *= 2")
    ]
    right, same, wrong = behaviours(runner).of(adds, before, budget)
    assert len(right) == 1
    assert right == same != wrong
    laters = [
        survivor(root, "return n", text) for text in ("return n * n", "return n ** 2", "return n")
    ]
    right, same, wrong = behaviours(runner).of(laters, before, budget)
    assert len(right) == 2
    assert right == same != wrong


def test_loops_without_end_and_chance_do_not_matter(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(
        {
            "m.py": "import os\n\n\ndef down(n):\n    return n\n",
            "test_m.py": "from m import down\n\n\ndef test_down():\n    assert down(4)\n",
        }
    )
    endless = "while n:\n        n -= 2\n    return [os.urandom(4)] and 'end'"
    survivors = [
        survivor(root, "return n", text)
        for text in (endless, endless.replace("n -= 2", "n = n - 2"), "return 'end'")
    ]
    before = evidence_of(root, "test_m.py::test_down")
    one, two, three = behaviours(trials(root)).of(survivors, before, budget)
    assert one == two != three
    chance = [survivor(root, "return n", f"return os.urandom({n})") for n in (8, 9)]
    assert behaviours(trials(root)).of(chance, before, budget) == ({}, {})


def test_an_edit_far_below_the_tests_is_probed_through_what_they_call(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(
        {
            "pack/__init__.py": "",
            "pack/deep.py": "def _twice(n):\n    return n\n",
            "pack/top.py": "from pack.deep import _twice\n\n\n"
            "def total(n):\n    return _twice(n)\n",
            "test_m.py": "from pack.top import total\n\n\n"
            "def test_total():\n    assert total(2) == 4\n",
        }
    )
    survivors = [
        survivor(root, "return n", text, path="pack/deep.py")
        for text in ("return n + n", "return 2 * n", "return n * n")
    ]
    one, two, three = behaviours(trials(root)).of(
        survivors, evidence_of(root, "test_m.py::test_total"), budget
    )
    assert one == two != three != {}


def test_without_a_budget_or_an_answer_nobody_is_compared(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(LARGEST)
    survivors = [survivor(root, "items[0]", text) for text in ("max(items)", "items[1]")]
    before = evidence_of(root, "test_m.py::test_largest")
    spent = Budget(deadline=1.0, clock=lambda: 0.0, test_runs=1, test_runs_used=1)
    runner = trials(root)
    assert behaviours(runner).of(survivors, before, spent) == ({}, {})
    assert runner.reports == []
    ranking = BehaviourRanker(LANGUAGES, behaviours(runner)).rank(survivors, before, spent)
    assert len(ranking.order) == 2
    assert ranking.behaviours == 0
    broken = [survivor(root, "def", f"import {name}\ndef") for name in ("aa", "bb", "cc")]
    assert behaviours(runner).of(broken, before, budget) == ({}, {}, {})
    assert budget.test_runs_used == 2


def test_among_edits_that_do_the_same_the_plain_one_is_chosen(
    write: Callable[[Mapping[str, str]], Path], trials: Run, budget: Budget
):
    root = write(
        {
            "m.py": "def over(a, b):\n    return a < b\n",
            "test_m.py": "from m import over\n\n\ndef test_over():\n    assert over(2, 1)\n",
        }
    )
    negated = survivor(root, "a < b", "not (a < b)", -2.0)
    flipped = survivor(root, "a < b", "a >= b", -2.5)
    ranker = BehaviourRanker(LANGUAGES, behaviours(trials(root)))
    ranking = ranker.rank([negated, flipped], evidence_of(root, "test_m.py::test_over"), budget)
    assert ranking.order == (flipped, negated)
    assert ranking.agreeing == (2, 2)
