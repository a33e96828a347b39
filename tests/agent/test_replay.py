"""A run's record repeats it, and any difference is found at the first line that shows it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent import home as runs_home
from agent import reading, record
from agent.cli import main
from agent.tracing import DECISION, MODEL, PARTS, TOOL, TREE, prompt_hash
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

READ_CALL = '<tool_call>\n{"name": "read_file", "arguments": {"path": "calc.py"}}\n</tool_call>'
SECRET = "ghp_" + "a1B2c3D4e5F6" * 3
FILES = {
    "calc.py": "def larger(a, b):\n    return a if a < b else b\n",
    "test_calc.py": (
        "from calc import larger\n\n\n"
        "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
        "def test_second():\n    assert larger(5, 9) == 9\n"
    ),
    "notes.txt": f"token = '{SECRET}'\n",
}


def agent(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def finished(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Path]:
    """Runs the agent on a small repository with a model that reads a file; gives the run's folder.

    The budget is one that leaves room for the model to read, here before the search.
    """
    monkeypatch.setattr(reading, "AFTER_ROUNDS", 0)
    monkeypatch.setattr(reading, "LATE", 0.0)
    served = serve(FakeEngine(replies=(READ_CALL, "calc.py:2: the wrong way round")))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)

    def run(**files: str) -> Path:
        source = tmp_path / "repo"
        source.mkdir()
        for name, text in {**FILES, **files}.items():
            (source / name).write_text(text)
        done = agent("fix", source, "--yes", "--endpoint", served.base_url)
        assert done.exit_code == 0, done.output
        (directory,) = runs_home.runs_root().iterdir()
        return directory

    return run


def rewritten(directory: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The record with each entry changed, its chain made anew, as a forger would."""
    path = directory / runs_home.RECORD
    entries = list(record.read(path))
    path.unlink()
    prev = record.GENESIS
    with path.open("w", encoding="utf-8") as file:
        for entry in entries:
            change(entry)
            bare = {key: value for key, value in entry.items() if key != "hash"} | {"prev": prev}
            text = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            prev = hashlib.sha256(text.encode()).hexdigest()
            file.write(json.dumps(bare | {"hash": prev}, ensure_ascii=False) + "\n")
    assert record.verify(path) == ""


def of_kind(directory: Path, kind: str) -> list[dict[str, Any]]:
    found = record.read(directory / runs_home.RECORD)
    return [entry["data"] for entry in found if entry["kind"] == kind]


def test_a_run_is_repeated_and_forgeries_are_found(finished: Callable[..., Path]) -> None:
    directory = finished()
    whole = agent("replay", directory.name)
    assert whole.exit_code == 0, whole.output
    assert "No difference." in whole.output
    calls, decisions = of_kind(directory, TOOL), of_kind(directory, DECISION)
    assert f"{len(calls)} tool calls" in whole.output
    assert {call["call"] for call in calls} == {one["call"] for one in decisions}
    assert {call["decision"]["rule"] for call in calls}, "each has a rule"
    assert of_kind(directory, TREE), "the edits that the tests ran with"
    assert any(call["caller"] == "model" for call in calls), "the model called a tool"
    original = (directory / runs_home.RECORD).read_bytes()

    def other_effect(entry: dict[str, Any]) -> None:
        if entry["kind"] == TOOL and entry["data"]["tool"] == "run_tests":
            entry["data"]["effect"] = "0" * 64

    def other_decision(entry: dict[str, Any]) -> None:
        if entry["kind"] == DECISION and entry["data"]["tool"] == "run_tests":
            entry["data"]["decision"]["verdict"] = "deny"

    def other_answer(entry: dict[str, Any]) -> None:
        if entry["kind"] == MODEL:
            entry["data"]["tool_calls"] = []

    def other_prompt(entry: dict[str, Any]) -> None:
        if entry["kind"] == MODEL and "messages" in entry["data"]:
            entry["data"]["messages"][-1]["content"] = "Something else."

    def other_edit(entry: dict[str, Any]) -> None:
        for told in entry["data"]["files"].values() if entry["kind"] == TREE else ():
            told["text"] += "x"

    def other_patch(entry: dict[str, Any]) -> None:
        if entry["kind"] == "done":
            entry["data"]["patch_sha256"] = "0" * 64

    for change, said in {
        other_effect: "gave: ",
        other_decision: "was decided deny",
        other_answer: "no recorded answer",
        other_prompt: "not the one that was hashed",
        other_edit: "cannot be had again",
        other_patch: "not the one that was written",
    }.items():
        (directory / runs_home.RECORD).write_bytes(original)
        rewritten(directory, change)
        found = agent("replay", directory.name)
        assert found.exit_code == 1, (said, found.output)
        assert said in found.output
    (directory / runs_home.RECORD).write_bytes(original.replace(b"larger", b"smaller", 1))
    damaged = agent("replay", directory.name)
    assert (damaged.exit_code, "was changed" in damaged.output) == (2, True)
    (directory / runs_home.RECORD).write_bytes(original)
    shutil.rmtree(directory / runs_home.WORKSPACE)
    gone = agent("replay", directory.name)
    assert (gone.exit_code, "There is no workspace" in gone.output) == (2, True)


def test_each_piece_of_a_prompt_has_its_source(finished: Callable[..., Path]) -> None:
    directory = finished()
    exchanges = of_kind(directory, MODEL)
    assert exchanges
    calls = {call["call"]: call["tool"] for call in of_kind(directory, TOOL)}
    pieces = [piece for exchange in exchanges for piece in exchange["context"]]
    assert all(len(piece["sha256"]) == 64 for piece in pieces)
    code = [piece for piece in pieces if piece.get("file") == "calc.py"]
    assert {(piece["first"], piece["last"]) for piece in code} >= {(1, 2)}
    assert any(calls.get(piece.get("call")) == "read_file" for piece in code)
    assert any(piece.get("tool") == "run_tests" for piece in pieces)
    for exchange in exchanges:
        parts = {key: exchange[key] for key in PARTS if key in exchange}
        assert prompt_hash(parts) == exchange["prompt_sha256"]


def test_without_the_text_of_prompts_the_rest_is_repeated(
    finished: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "1"\nrecord_prompts = false\n')
    monkeypatch.setenv("LOCUM_POLICY", str(policy))
    directory = finished()
    exchanges = of_kind(directory, MODEL)
    assert exchanges
    assert not any(set(PARTS) & exchange.keys() for exchange in exchanges)
    assert all(exchange["context"] and exchange["prompt_sha256"] for exchange in exchanges)
    repeated = agent("replay", directory.name)
    assert repeated.exit_code == 0, repeated.output
    assert f"{len(exchanges)} times: the text of a prompt was not kept" in repeated.output


def test_a_secret_stays_out_and_is_told(finished: Callable[..., Path]) -> None:
    directory = finished(**{"calc.py": f'KEY = "{SECRET}"\n\n\n{FILES["calc.py"]}'})
    assert SECRET not in (directory / runs_home.RECORD).read_text("utf-8")
    repeated = agent("replay", directory.name)
    assert repeated.exit_code == 0, repeated.output
