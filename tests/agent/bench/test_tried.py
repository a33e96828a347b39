"""Verdicts are joined with their candidates across rounds that were cut short."""

from pathlib import Path

from agent.bench.tried import verdicts, yields
from agent.record import Record
from agent.repair.seams import Candidate, Splice, Verdict


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
