"""What a model's edit needs comes with it, whoever proposed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.repair.budget import Budget
from agent.repair.complete import Completed
from agent.repair.edit import apply_splices
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence, Splice

SOURCE = "from math import floor\n\n\ndef f(a):\n    return a\n"


class Proposes:
    name = "branch"

    def __init__(self, old: str, new: str) -> None:
        start = SOURCE.index(old)
        self.splice = Splice(path="m.py", start=start, end=start + len(old), text=new)

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        yield Candidate(strategy=self.name, splices=(self.splice,), log_probability=-1.0)


def made(evidence: Evidence, budget: Budget, old: str, new: str) -> Candidate:
    [found] = Completed(Proposes(old, new), (PythonLanguage(),)).propose(evidence, budget)
    return found


def test_an_import_is_one_more_splice_behind_the_edit(
    evidence: Callable[..., Evidence], budget: Budget
) -> None:
    found = made(evidence(SOURCE, "f"), budget, "return a", "return sqrt(a)")
    assert found.splices[0].text == "return sqrt(a)"
    assert found.log_probability == -1.0
    wanted = "from math import floor, sqrt\n\n\ndef f(a):\n    return sqrt(a)\n"
    assert apply_splices(SOURCE, found.splices) == wanted


def test_other_candidates_stay_as_they_are(
    evidence: Callable[..., Evidence], budget: Budget
) -> None:
    known = evidence(SOURCE, "f")
    for old, new in (("return a", "return -a"), ("import floor", "import sqrt")):
        assert made(known, budget, old, new).splices == (Proposes(old, new).splice,)


def test_an_edit_of_the_imports_themselves_is_left_alone(
    evidence: Callable[..., Evidence], budget: Budget
) -> None:
    whole = SOURCE.replace("return a", "return sqrt(a)")
    found = made(evidence(SOURCE, "f"), budget, SOURCE, whole)
    assert len(found.splices) == 1
