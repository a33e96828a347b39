from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isclose, log
from typing import Any

import pytest

from agent.repair.budget import Budget
from agent.repair.edit import apply_splices
from agent.repair.infill import Hole, InfillProposer, holes, surroundings
from agent.repair.prompt import FixPrompt
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Candidate, Evidence
from runtime.client import Answer, Usage
from runtime.errors import InfillUnsupported
from tools.report import Frame

SOURCE = "import os\n\n\ndef f(a):\n    b = a\n\n    return b\n\n\nX = 1\n"
Build = Callable[..., Evidence]


class Scripted:
    """Fills every hole with the same texts, and remembers what it was asked."""

    def __init__(self, *texts: str, finish: str = "stop", able: bool = True) -> None:
        self.texts, self.finish, self.able = texts, finish, able
        self.asked: list[tuple[str, str]] = []
        self.options: list[dict[str, Any]] = []

    def complete(self, before: str, after: str, **options: Any) -> Answer:
        self.asked.append((before, after))
        self.options.append(options)
        if not self.able:
            raise InfillUnsupported("no gaps here")
        count = len(self.texts)
        return Answer(self.texts, (), (self.finish,) * count, Usage(1, 1), 0.0)


def proposed(
    model: Scripted, evidence: Evidence, budget: Budget, first: int = 0, last: int = 1
) -> list[Candidate]:
    proposer = InfillProposer(
        model, (PythonLanguage(),), spread=((len(model.texts), 0.0),), first=first, last=last
    )
    return list(proposer.propose(evidence, budget))


def texts(candidates: Sequence[Candidate], source: str = SOURCE) -> list[str]:
    return [apply_splices(source, candidate.splices) for candidate in candidates]


def opened(evidence: Evidence) -> list[Hole]:
    language = PythonLanguage()
    shown = FixPrompt((language,)).shown(evidence, evidence.suspects[0])
    assert shown is not None
    return holes(shown, evidence.suspects[0], evidence)


def test_the_most_suspicious_line_is_written_anew(evidence: Build, budget: Budget) -> None:
    model = Scripted("    return b + 1")
    (candidate,) = proposed(model, evidence(SOURCE, "f", lines={5: 0.2, 7: 0.9}), budget)
    assert texts([candidate]) == [SOURCE.replace("return b", "return b + 1")]
    ((before, after),) = model.asked
    assert before.endswith("def f(a):\n    b = a\n\n")
    assert after == "\n\nX = 1\n" or after == "\n\n\nX = 1\n"
    assert model.options[0]["stop"] == ["\n"]


def test_the_failure_stands_above_the_code_as_a_comment(evidence: Build, budget: Budget) -> None:
    model = Scripted("    return b + 1")
    proposed(model, evidence(SOURCE, "f", lines={7: 0.9}), budget)
    ((before, _),) = model.asked
    comment = [line for line in before.splitlines() if line.startswith("# ")]
    assert "# assert 3 == 1234" in comment
    assert before.index("import os") < before.index("# assert") < before.index("def f")


def test_marked_lines_of_the_traceback_say_more_than_the_message(evidence: Build) -> None:
    given = evidence(SOURCE, "f", lines={7: 0.9})
    told = "def test_f():\n>   assert f(3) == 4\nE   assert 3 == 4\n"
    failing = given.failing[0].model_copy(update={"traceback": told})
    given = replace(given, failing=(failing,))
    shown = FixPrompt((PythonLanguage(),)).shown(given, given.suspects[0])
    assert shown is not None
    before, _ = surroundings(given, shown, opened(given)[0], PythonLanguage())
    assert "# assert f(3) == 4\n# assert 3 == 4\ndef f(a)" in before


def test_in_a_gap_the_line_end_is_to_be_written(evidence: Build) -> None:
    given = evidence(SOURCE, "f", lines={5: 0.9})
    shown = FixPrompt((PythonLanguage(),)).shown(given, given.suspects[0])
    assert shown is not None
    hole = opened(given)[1]
    assert hole.is_gap
    before, after = surroundings(given, shown, hole, PythonLanguage())
    assert before.endswith("def f(a):")
    assert after.startswith("\n    b = a\n")


def test_half_of_the_time_is_left_for_the_tests(evidence: Build) -> None:
    seconds = [0.0]
    model = Scripted("    return 2")
    budget = Budget(deadline=100.0, clock=lambda: seconds[0])
    proposer = InfillProposer(model, (PythonLanguage(),), last=4)
    found = proposer.propose(evidence(SOURCE, "f", lines={5: 0.9, 7: 0.5}), budget)
    next(found)
    seconds[0] = 51.0
    list(found)
    assert len(model.asked) == 1


def test_a_method_is_shown_inside_its_class_only(evidence: Build) -> None:
    source = "class A:\n    x = 1\n\n    def f(self):\n        return 1\n"
    given = evidence(source, "A.f", lines={5: 1.0})
    shown = FixPrompt((PythonLanguage(),)).shown(given, given.suspects[0])
    assert shown is not None
    hole = holes(shown, given.suspects[0], given)[0]
    before, after = surroundings(given, shown, hole, PythonLanguage())
    assert before.endswith("class A:\n    def f(self):\n")
    assert (after, hole.following) == ("\n", "")


def test_lines_come_before_gaps_and_the_signature_has_none(evidence: Build) -> None:
    found = opened(evidence(SOURCE, "f", lines={4: 0.1, 5: 0.9, 7: 0.5}))
    assert [(hole.start, hole.is_gap) for hole in found] == [
        (10, False), (21, False), (0, False), (10, True), (21, True),
    ]  # fmt: skip
    assert found[3].stop == "\n    b = a"
    assert found[0].stop == "\n"


def test_a_line_of_the_traceback_is_the_first(evidence: Build) -> None:
    given = evidence(SOURCE, "f", lines={5: 0.9, 7: 0.5})
    frame = Frame(path="m.py", line=7, function="f")
    failing = given.failing[0].model_copy(update={"frames": (frame,)})
    assert opened(given)[0].start == 10
    assert opened(replace(given, failing=(failing,)))[0].start == 21


def test_what_is_put_in_front_keeps_the_line_behind_it(evidence: Build, budget: Budget) -> None:
    guard = "    if not a:\n        return 0"
    model = Scripted(f"\n{guard}", "\n    b = a", "")
    found = proposed(model, evidence(SOURCE, "f", lines={5: 0.9}), budget, first=1, last=2)
    assert texts(found) == [SOURCE.replace("    b = a\n", f"{guard}\n    b = a\n")]


def test_frequent_samples_come_first_and_weigh_more(evidence: Build, budget: Budget) -> None:
    model = Scripted("    return a", "    return 2", "    return 2", "    return b")
    found = proposed(model, evidence(SOURCE, "f", lines={7: 0.9}), budget)
    assert [text.count("return 2") for text in texts(found)] == [1, 0]
    assert [c.log_probability for c in found] == [log(2 / 2), log(1 / 2)]
    assert isclose(found[0].log_probability or 0.0, 0.0)


def test_a_line_may_be_left_out(evidence: Build, budget: Budget) -> None:
    model = Scripted("")
    found = proposed(model, evidence(SOURCE, "f", lines={5: 0.9}), budget)
    assert texts(found) == [SOURCE.replace("    b = a\n", "")]


def test_line_ends_of_the_file_are_kept(evidence: Build, budget: Budget) -> None:
    source = "def f(a):\r\n    b = a\r\n    return b"
    model = Scripted("    b = 2")
    found = proposed(model, evidence(source, "f", lines={2: 0.9}), budget)
    assert texts(found, source) == ["def f(a):\r\n    b = 2\r\n    return b"]
    found = proposed(Scripted("    return 2"), evidence(source, "f", lines={3: 0.9}), budget)
    assert texts(found, source) == ["def f(a):\r\n    b = a\r\n    return 2"]


@pytest.mark.parametrize("text", ["    return (", "    return b  # same", "  return b"])
def test_what_does_not_parse_or_does_not_change_is_no_candidate(
    evidence: Build, budget: Budget, text: str
) -> None:
    assert proposed(Scripted(text), evidence(SOURCE, "f", lines={7: 0.9}), budget) == []


def test_unfinished_samples_are_no_candidates(evidence: Build, budget: Budget) -> None:
    given = evidence(SOURCE, "f", lines={7: 0.9})
    assert proposed(Scripted("    return 2", finish="length"), given, budget) == []
    assert len(proposed(Scripted("    return 2"), given, budget)) == 1


def test_lines_that_the_model_would_write_differently_are_sampled_first(
    evidence: Build, budget: Budget
) -> None:
    class Knowing(Scripted):
        """Writes the first line as it stands, and another last line."""

        def complete(self, before: str, after: str, **options: Any) -> Answer:
            self.texts = ("    b = a",) if before.endswith("f(a):\n") else ("    return 2",)
            return super().complete(before, after, **options)

    model = Knowing()
    proposer = InfillProposer(model, (PythonLanguage(),), spread=((1, 0.0), (7, 0.6)), last=2)
    list(proposer.propose(evidence(SOURCE, "f", lines={5: 0.9, 7: 0.5}), budget))
    asked = [before.splitlines()[-1] for before, _ in model.asked]
    assert asked == ["def f(a):", "", "", "def f(a):"]
    assert [options["temperature"] for options in model.options] == [0.0, 0.0, 0.6, 0.6]


def test_a_model_that_cannot_is_asked_once(evidence: Build, budget: Budget) -> None:
    model = Scripted("x", able=False)
    proposer = InfillProposer(model, (PythonLanguage(),))
    given = evidence(SOURCE, "f", lines={5: 0.9, 7: 0.9})
    assert list(proposer.propose(given, budget)) == []
    assert list(proposer.propose(given, budget)) == []
    assert len(model.asked) == 1
    assert proposer.unsupported


def test_greedy_comes_first_and_a_spent_budget_ends_it(evidence: Build) -> None:
    model = Scripted("    return 2")
    budget = Budget(deadline=1.0, clock=lambda: 0.0, tokens=1)
    proposer = InfillProposer(model, (PythonLanguage(),), last=1)
    list(proposer.propose(evidence(SOURCE, "f", lines={7: 0.9}), budget))
    assert [o["temperature"] for o in model.options] == [0.0, 0.6, 1.0]
    assert sum(o["n"] for o in model.options) >= 16
    budget.tokens_used = 1
    model.options.clear()
    list(proposer.propose(evidence(SOURCE, "f", lines={7: 0.9}), budget))
    assert model.options == []
