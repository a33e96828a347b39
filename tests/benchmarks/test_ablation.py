"""Settings are read as they are written, and each becomes one row."""

import json
import sys
from pathlib import Path

import pytest

from agent.bench.results import Grade, Result
from agent.bench.totals import total
from benchmarks import ablation


def test_settings_are_names_with_strategies() -> None:
    assert ablation.parse("a=rewrite:1; b = template,branch;c=") == {
        "a": "rewrite:1",
        "b": "template,branch",
        "c": "",
    }
    assert len(ablation.parse(ablation.SETTINGS)) == 5


@pytest.mark.parametrize("text", ["", "a", "=x", "a=1;a=2", "../a=x", "-a=x"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="setting"):
        ablation.parse(text)


def test_a_row_says_what_a_benchmark_measured() -> None:
    results = [
        Result(
            id="a", grade=Grade.RIGHT, hidden=(1, 1), seconds_to_fix=2.0, completion_tokens=1200
        ),
        Result(id="b", grade=Grade.OVERFITS, hidden=(0, 1), seconds_to_fix=5.0, first_right=True),
    ]
    text = ablation.table({"all": total(results).model_dump(), "none": total([]).model_dump()})
    head, _, row, empty = text.splitlines()
    assert head.count("|") == row.count("|") == empty.count("|")
    assert row == (
        "| all | 2 | 1 (50 %) | 2 (100 %) | 1 (50 %) | 2 (100 %) | 2.0 s | 5.0 s | 0 | – | 1,200 |"
    )


def test_every_setting_is_run_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = total([Result(id="a", grade=Grade.RIGHT)]).model_dump_json()
    script = tmp_path / "bench.py"
    script.write_text(
        "import pathlib, sys\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1])\n"
        "out.mkdir(exist_ok=True)\n"
        f"(out / 'totals.json').write_text({totals!r})\n"
        "sys.exit(3 if '--fail' in sys.argv and 'branch' in sys.argv else 0)\n"
    )
    asked = []

    def command(bench: list[str], strategies: str, folder: Path) -> list[str]:
        words = real(bench, strategies, folder)
        asked.append(words)
        return [sys.executable, str(script), *words[words.index("bench") + 1 :]]

    real = ablation.command
    monkeypatch.setattr(ablation, "command", command)
    out = tmp_path / "out"
    words = ["--settings", "one=branch;two=", "--out", str(out), "--"]
    assert ablation.main([*words, "--repos", "set"]) == 0
    assert asked[0][1:] == [
        *("-m", "agent", "bench", "--repos", "set", "--resume"),
        *("--out", str(out / "one"), "--strategies", "branch"),
    ]
    assert "--strategies" not in asked[1]
    assert list(json.loads((out / "ablation.json").read_text())) == ["one", "two"]
    assert (out / "ablation.md").read_text().count("\n") == 4
    assert ablation.main([*words, "--fail"]) == 3
