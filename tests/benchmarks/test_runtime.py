"""The runtime benchmark's arithmetic, and that it can be measured in parts; no server runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from benchmarks import runtime, runtime_machine, runtime_peers, runtime_table
from benchmarks.runtime_peers import Server
from benchmarks.runtime_table import PEERS
from benchmarks.runtime_work import Failed, Timed

SECONDS = {"locum": 1.0, "llama_cpp.server": 3.0, "llama-server": 2.0}


def server(name: str, kind: Any = None) -> Server:
    return Server(name, kind or name, cast(httpx.Client, None))


def test_the_best_setting_of_a_peer_counts() -> None:
    found = {
        "locum": [Timed(1, 9), Timed(1, 2), Timed(1, 1)],
        "llama_cpp.server": [Timed(2, 8)],
        "llama-server": [Timed(1, 5)],
        "llama-server, not repacked": [Timed(1, 3)],
    }
    result = runtime_table.result(found, (2.0, 1.5))
    assert result.each["locum"] == 2
    assert result.ratios == (2.0, 1.5)
    assert result.reached
    assert not runtime_table.result(found, (2.1, 1.5)).reached
    assert runtime_table.result(found, (None, 1.5)).reached
    assert runtime_table.result({"locum": [Timed(1, 1)]}, (2.0, 2.0)).ratios == (None, None)


def test_a_warm_turn_is_held_against_its_own_cold_one() -> None:
    warm = {"locum": [Timed(1, 0.2, cold=4.0)]}
    assert runtime_table.result(warm, (None, None)).share == 0.05
    assert runtime_table.result(warm, (None, None)).reached
    assert not runtime_table.result({"locum": [Timed(1, 0.5, cold=4.0)]}, (None, None)).reached


def test_shares_of_what_the_machine_can_do() -> None:
    machine = {"bytes_per_second": 100.0, "flops": 1000.0}
    found = runtime_table.shares(machine, {"decode": 2.0, "prefill": 1.0}, 100)
    assert found["decode_share"] == 0.5
    assert found["prefill_share"] == pytest.approx(2 * 800 / 4.85 / 1000)


def test_hopeless_settings_are_left_out_after_the_first_run() -> None:
    asked: list[tuple[str, int]] = []

    def work(one: Server, number: int) -> Timed | None:
        asked.append((one.name, number))
        if one.name == "llama_cpp.server":
            return None
        if one.kind == "llama_cpp.server":
            return Timed(1, 100.0)
        return Timed(1, 10.0 if one.name.endswith("32 at once") else 1.0)

    row = runtime.Row("work", work, (None, None), (1, 32))
    names = ("locum", "llama_cpp.server", "llama_cpp.server with logits", "llama-server")
    servers = [server(name, name.split(" with")[0]) for name in names]
    rows = dict(runtime.ROWS)
    runtime.ROWS["work"] = row
    try:
        found = runtime._measure(row, servers, 3)
    finally:
        runtime.ROWS.clear()
        runtime.ROWS.update(rows)
    assert {name: len(runs) for name, runs in found.items()} == {
        "locum": 3, "llama-server, 1 at once": 3, "llama-server, 32 at once": 1,
        "llama_cpp.server with logits": 1,
    }  # fmt: skip
    numbers = [number for name, number in asked if name.startswith("llama-server")]
    assert len(set(numbers)) == len(numbers), "no setting finds the prompts of another"
    ours = [number for name, number in asked if name == "locum"]
    assert ours == [n for name, n in asked if name.endswith("1 at once")], "but those of ours"


def test_a_setting_with_which_a_peer_fails_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(one: Server, _: int) -> Timed:
        if one.name.endswith("guessing"):
            raise Failed(f"{one.name} answered 500")
        return Timed(1, 1.0)

    servers = [server("locum"), server("llama-server"), server("llama-server, guessing", PEERS[1])]
    row = replace(runtime.ROWS["decode"], work=work)
    monkeypatch.setitem(runtime.ROWS, "decode", row)
    found = runtime._measure(row, servers, 2)
    assert {name: len(runs) for name, runs in found.items()} == {"locum": 2, "llama-server": 2}
    assert capsys.readouterr().err.count("left out: llama-server, guessing answered 500") == 1

    def broken(_: Server, __: int) -> Timed:
        raise Failed("locum answered 500")

    row = replace(row, work=broken)
    monkeypatch.setitem(runtime.ROWS, "decode", row)
    with pytest.raises(SystemExit, match="locum answered 500"):
        runtime._measure(row, servers, 1)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Servers and work that do nothing; the file for the figures."""

    @contextmanager
    def started(name: str) -> Iterator[Server]:
        yield server(name)

    monkeypatch.setattr(runtime_peers, "locum", lambda *_: started("locum"))
    for peer, start in (
        ("llama_cpp.server", "llama_cpp_server"),
        ("llama-server", "llama_server"),
    ):
        monkeypatch.setattr(runtime_peers, start, lambda *_, peer=peer, **__: started(peer))
    monkeypatch.setattr(runtime_machine, "bandwidth", lambda _: 100.0)
    monkeypatch.setattr(runtime_machine, "matrix_product", lambda: 100.0)

    def work(one: Server, _: int) -> Timed:
        return Timed(1, SECONDS[one.kind])

    for name in ("decode", "prefill"):
        row = runtime.ROWS[name]
        monkeypatch.setitem(runtime.ROWS, name, runtime.Row(row.name, work, (3.0, 2.0)))
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(16))
    return tmp_path / "figures.json"


def test_rows_can_be_measured_one_by_one(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--model", str(fake.with_name("model.gguf")), "--runs", "2", "--json", str(fake)]
    assert runtime.main([*common, "--only", "decode"]) == 0
    alone = json.loads(fake.read_text())
    assert list(alone["rows"]) == ["decode"]
    capsys.readouterr()
    assert runtime.main([*common, "--only", "decode,prefill", "--resume"]) == 0
    output = capsys.readouterr()
    joined = json.loads(fake.read_text())
    assert joined["rows"]["decode"] == alone["rows"]["decode"]
    assert joined["rows"]["prefill"]["ratios"] == {"llama_cpp.server": 3.0, "llama-server": 2.0}
    assert "single stream: run" not in output.err, "it is there already"
    assert output.out.count("3.00×") == 2
    with pytest.raises(SystemExit, match="measured otherwise"):
        runtime.main([*common, "--resume", "--runs", "3"])


def test_what_is_not_reached_is_named(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, "locum", 1.1)
    model = str(fake.with_name("model.gguf"))
    assert runtime.main(["--model", model, "--only", "decode", "--json", str(fake)]) == 1
    assert json.loads(fake.read_text())["rows"]["decode"]["reached"] is False


@pytest.mark.parametrize("wrong", [["--only", "nothing"], ["--resume"]])
def test_wrong_options_are_one_sentence(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        runtime.main(wrong)
    assert caught.value.code == 2
