"""`agent bench` with a scripted model: real runs, hidden tests, results that can be resumed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent.cli import main
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

Bench = Callable[..., Result]
CASE = {
    "task_id": "T/0",
    "declaration": "def larger(a, b):\n",
    "canonical_solution": "    return a if a > b else b\n",
    "buggy_solution": "    return a if a < b else b\n",
    "entry_point": "larger",
    "test": "def check(larger):\n    assert larger(3, 2) == 3\n    assert larger(4, 4) == 4\n"
    "    assert larger(5, 9) == 9\n    assert larger(-1, 0) == 0\n\ncheck(larger)\n",
    "bug_type": "operator misuse",
}


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    file = tmp_path / "tasks.jsonl"
    hopeless = CASE | {"task_id": "T/1", "buggy_solution": "    return None\n"}
    unsound = CASE | {"task_id": "T/2", "buggy_solution": CASE["canonical_solution"]}
    file.write_text("".join(json.dumps(case) + "\n" for case in (CASE, hopeless, unsound)))
    return file


@pytest.fixture
def bench(
    home: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Bench:
    served = serve(FakeEngine(replies=("no idea",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)

    def run(*arguments: str | Path) -> Result:
        words = ["bench", *map(str, arguments), "--endpoint", served.base_url]
        return CliRunner().invoke(main, [*words, "--out", str(tmp_path / "out")])

    return run


def results(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "out" / "results.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_tasks_are_graded_by_hidden_tests(
    bench: Bench, tasks: Path, tmp_path: Path, home: Path
) -> None:
    done = bench("--tasks", tasks, "--strategies", "template", "--keep-records")
    assert done.exit_code == 0, done.output
    first, second, third = results(tmp_path)
    assert (first["grade"], first["visible"], first["hidden"]) == ("right", [2, 2], [2, 2])
    assert first["winners"] == ["template"]
    assert first["any_right"] is True
    assert 1 <= first["survivors_right"] <= first["survivors_judged"]
    assert first["seconds_to_fix"] <= first["seconds"]
    assert set(first["strategies"]) == {"template"}
    assert (second["grade"], third["grade"]) == ("not fixed", "unsound")
    assert (first["miss"], second["miss"], third["miss"]) == (None, "no candidate passed", None)
    assert "# 1 of 2 right" in done.stdout
    assert (tmp_path / "out" / "table.md").read_text() == done.stdout
    assert json.loads((tmp_path / "out" / "totals.json").read_text())["right"] == 1
    assert (tmp_path / "out" / "records" / "T-0.jsonl").is_file()
    assert not (home / "state" / "runs").exists()


def test_an_interrupted_benchmark_goes_on(bench: Bench, tasks: Path, tmp_path: Path) -> None:
    assert bench("--tasks", tasks, "--only", "T/0", "--strategies", "template:60").exit_code == 0
    (before,) = results(tmp_path)
    again = bench("--tasks", tasks, "--only", "T/0,T/2", "--strategies", "template:60", "--resume")
    assert again.exit_code == 0, again.output
    assert [one["id"] for one in results(tmp_path)] == ["T/0", "T/2"]
    assert results(tmp_path)[0] == before
    assert "[1/1] T/2" in again.stderr


def test_a_strategy_may_be_left_its_first_candidates_only(
    bench: Bench, tasks: Path, tmp_path: Path
) -> None:
    done = bench("--tasks", tasks, "--only", "T/1", "--strategies", "template:2")
    assert done.exit_code == 0, done.output
    (result,) = results(tmp_path)
    given = result["strategies"]["template"]
    assert given["ran"] + given["rejected"] == 2


def test_a_folder_of_repositories(bench: Bench, tmp_path: Path) -> None:
    repo = tmp_path / "set" / "calc" / "repo"
    repo.mkdir(parents=True)
    (repo / "calc.py").write_text(CASE["declaration"] + CASE["buggy_solution"])
    text = "from calc import larger\n\n\ndef test_it():\n    assert larger({0}) == {1}\n"
    (repo / "test_calc.py").write_text(text.format("3, 2", 3))
    hidden = tmp_path / "set" / "calc" / "hidden"
    hidden.mkdir()
    (hidden / "test_calc.py").write_text(text.format("2, 3", 3))
    before = {path: path.read_bytes() for path in tmp_path.glob("set/**/*.py")}
    done = bench("--repos", tmp_path / "set", "--strategies", "template")
    assert done.exit_code == 0, done.output
    (result,) = results(tmp_path)
    assert result["grade"] in ("right", "overfits")
    assert result["hidden"][1] == 1
    assert {path: path.read_bytes() for path in tmp_path.glob("set/**/*.py")} == before


def test_named_tests_decide_where_others_fail_as_before(bench: Bench, tmp_path: Path) -> None:
    repo = tmp_path / "set" / "calc" / "repo"
    repo.mkdir(parents=True)
    (repo / "calc.py").write_text(CASE["declaration"] + CASE["buggy_solution"])
    (repo / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_it():\n    assert larger(3, 2) == 3\n\n\n"
        "def test_net():\n    assert open('/no/such/file')\n"
    )
    (tmp_path / "set" / "calc" / "task.toml").write_text(
        'fail_to_pass = ["test_calc.py::test_it"]\n'
        'source_file = "calc.py"\nfunctions = ["larger"]\n'
    )
    done = bench("--repos", tmp_path / "set", "--strategies", "template")
    assert done.exit_code == 0, done.output
    (result,) = results(tmp_path)
    assert (result["grade"], result["visible"], result["miss"]) == ("right", [1, 1], None)
    assert (result["rank"], result["first_right"]) == (1, True)
    assert result["tried_in_reference"] > 0
    assert result["seconds"] > result["plan_seconds"] > 0
    (tmp_path / "set" / "calc" / "task.toml").write_text('fail_to_pass = ["test_calc.py::test_no"]')
    assert bench("--repos", tmp_path / "set", "--strategies", "template").exit_code == 0
    (result,) = results(tmp_path)
    assert (result["grade"], result["miss"]) == ("failed", "could not run")
    assert "did not run before" in result["problem"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--strategies", "magic"], 2, "no strategy 'magic'"),
        (["--only", "T/9"], 2, "no task 'T/9'"),
        (["--budget", "0"], 2, "length of time"),
    ],
)
def test_bad_requests_are_one_sentence(
    bench: Bench, tasks: Path, arguments: list[str], status: int, words: str
) -> None:
    done = bench("--tasks", tasks, *arguments)
    assert done.exit_code == status, done.output
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_tasks_must_be_named_and_a_model_must_answer(
    bench: Bench, tasks: Path, tmp_path: Path
) -> None:
    assert bench().exit_code == 2
    words = ["bench", "--tasks", str(tasks), "--only", "T/0", "--out", str(tmp_path / "o")]
    gone = CliRunner().invoke(main, [*words, "--endpoint", "http://127.0.0.1:9/v1"])
    assert gone.exit_code == 4, gone.output
