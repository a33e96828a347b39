"""Verdicts are joined with their candidates across rounds that were cut short."""

from pathlib import Path

from agent.bench.tried import story, verdicts, yields
from agent.record import Record
from agent.repair.seams import Candidate, Splice, Verdict
from agent.state import Kind, PlanItem
from tools.report import Outcome, TestReport, TestResult


def candidate(strategy: str, text: str) -> Candidate:
    return Candidate(strategy=strategy, splices=(Splice(path="a.py", start=0, end=1, text=text),))


def test_a_record_gives_each_verdict_its_candidate(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl")
    rounds = (["a", "b", "c"], 2, "template"), (["d"], 1, "branch")
    for texts, tried, strategy in rounds:
        proposed = [candidate(strategy, text) for text in texts]
        record.write("proposed", item=1, candidates=[c.model_dump(mode="json") for c in proposed])
        for one in proposed[:tried]:
            passed = one.splices[0].text in "bd"
            verdict = Verdict(
                candidate=one, target_passed=passed, target_total=1, rejected="" if passed else "no"
            )
            told = verdict.model_dump(mode="json", exclude={"candidate"})
            record.write("tool", name="write_file")
            record.write("tried", item=1, **told)
    record.close()
    found = list(verdicts(record.path))
    assert [v.candidate.splices[0].text for _, v in found] == ["a", "b", "d"]
    assert [v.survives for _, v in found] == [False, True, True]
    given = yields(v for _, v in found)
    assert (given["template"].ran, given["template"].rejected) == (1, 1)
    assert (given["branch"].survivors, given["template"].survivors) == (1, 1)


def test_a_record_tells_what_was_planned_run_and_refused(tmp_path: Path) -> None:
    def item(number: int, kind: Kind) -> dict[str, object]:
        one = PlanItem(number=number, kind=kind, title="", path="a.py", first_line=1, last_line=1)
        return one.model_dump(mode="json")

    report = TestReport(results=(TestResult(id="t", outcome=Outcome.FAILED),)).model_dump()
    record = Record(tmp_path / "record.jsonl")
    assert story(record.path).plan_seconds == 0
    record.write("started", task={})
    record.write("baseline", report=report)
    record.write("tool", tool="run_tests", seconds=1.5)
    record.write("tool", tool="write_file", seconds=9.0)
    record.write("plan", items=[item(1, Kind.BUG), item(2, Kind.STYLE)])
    record.write("confirmed", item=1, report=report, worse=["u"])
    assert story(record.path).refused
    record.write("tool", tool="run_tests", seconds=1.0)
    record.write("accepted", item=item(1, Kind.BUG))
    record.close()
    told = story(record.path)
    assert [one.number for one in told.items] == [1]
    assert told.baseline.ids(Outcome.FAILED) == ("t",)
    assert (told.confirmed, told.accepted, told.test_seconds) == (("t",), (1,), 2.5)
