"""What a run of visible and hidden tests proves, and what it does not."""

from pathlib import Path

import pytest

from agent.bench.trees import Counts, TreeTests, judged
from agent.repair.seams import Splice
from tools.report import Outcome, TestReport, TestResult

P, F, E = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR


def report(*outcomes: tuple[str, Outcome], code: int = 0, timed_out: bool = False) -> TestReport:
    results = tuple(
        TestResult(id=f"{path}::{number}", path=path, outcome=outcome)
        for number, (path, outcome) in enumerate(outcomes)
    )
    return TestReport(results=results, exit_code=code, timed_out=timed_out)


@pytest.mark.parametrize(
    ("run", "plausible", "right"),
    [
        (report(("v.py", P), ("h.py", P)), True, True),
        (report(("v.py", P), ("h.py", F), code=1), True, False),
        (report(("v.py", F), ("h.py", P), code=1), False, False),
        (report(("v.py", P), ("h.py", E), code=1), True, False),
        (report(("v.py", P)), True, False),
        (report(("h.py", P)), False, False),
        (report(("v.py", P), ("h.py", P), timed_out=True), True, False),
        (report(), False, False),
    ],
)
def test_right_needs_every_hidden_test(run: TestReport, plausible: bool, right: bool) -> None:
    judgement = judged(run, {"h.py"})
    assert (judgement.plausible, judgement.right) == (plausible, right)


def test_where_nothing_is_hidden_plausible_is_right() -> None:
    judgement = judged(report(("v.py", P), ("v.py", Outcome.SKIPPED)), ())
    assert judgement.right
    assert judgement.visible == Counts(1, 1)


def test_edits_are_judged_each_on_the_original_tree(tmp_path: Path, tree_tests: TreeTests) -> None:
    source = "def double(x):\n    return x\n"
    (tmp_path / "calc.py").write_text(source)
    text = "from calc import double\n\n\ndef test_it():\n    assert double({0}) == {1}\n"
    (tmp_path / "test_calc.py").write_text(text.format(2, 4))
    (tmp_path / "test_hidden.py").write_text(text.format(3, 6))
    start = source.index("return x") + len("return ")
    edits = [
        [Splice(path="calc.py", start=start, end=start + 1, text=new)]
        for new in ("x + 2", "x * 2", "while")
    ]
    found = list(tree_tests.judge_edits(tmp_path, {"test_hidden.py"}, edits))
    assert [(j.plausible, j.right) for j in found] == [(True, False), (True, True), (False, False)]
    assert (tmp_path / "calc.py").read_text() == source
