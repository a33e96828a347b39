"""Choosing settings by measuring them."""

from pathlib import Path

import pytest

from runtime import tuning
from runtime.engine_api import EngineError
from runtime.tuning import Speed, Tuning, choose, machine_key, tuned

USUAL = Tuning(repack=False, batch=512, threads=2)


def test_what_is_clearly_faster_is_taken() -> None:
    def measure(candidate: Tuning) -> Speed:
        factor = (2 if candidate.repack else 1) * (1.5 if candidate.batch == 1024 else 1)
        return Speed(100 * factor, 100 * factor, 10 * factor)

    best = choose(USUAL, measure)
    assert (best.repack, best.batch) == (True, 1024)


def test_what_may_be_chance_is_not() -> None:
    def measure(candidate: Tuning) -> Speed:
        return Speed(105, 105, 10.5) if candidate.repack else Speed(100, 100, 10)

    assert choose(USUAL, measure) == USUAL


def test_a_setting_that_cannot_be_had_is_passed_over() -> None:
    def measure(candidate: Tuning) -> Speed:
        if candidate.repack:
            raise EngineError("there is not enough memory")
        return Speed(300, 300, 30) if candidate.batch == 256 else Speed(100, 100, 10)

    assert choose(USUAL, measure) == Tuning(repack=False, batch=256, threads=2)


def test_no_time_left_keeps_the_usual_settings() -> None:
    tried: list[Tuning] = []

    def measure(candidate: Tuning) -> Speed:
        tried.append(candidate)
        return Speed(1000 * len(tried), 1000, 1000)

    assert choose(USUAL, measure, most_seconds=-1) == USUAL
    assert tried == [USUAL]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "some.gguf"
    file.write_bytes(b"GGUF" * 9)
    return file


def test_a_verdict_is_remembered_for_this_model_only(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache" / "tuning.json"
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    best = Tuning(repack=True, batch=256, threads=1)
    monkeypatch.setattr(tuning, "busy", lambda: False)
    monkeypatch.setattr(tuning, "choose", lambda usual, measure: best)
    assert tuned(model, USUAL, cache) == best
    monkeypatch.setattr(tuning, "busy", lambda: True)
    assert tuned(model, USUAL, cache) == best, "remembered"
    assert tuned(other, USUAL, cache) == USUAL, "nothing is measured beside others"
    assert machine_key(model) != machine_key(other)


def test_a_broken_cache_is_measured_anew(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "tuning.json"
    cache.write_text("{nonsense")
    monkeypatch.setattr(tuning, "busy", lambda: False)
    monkeypatch.setattr(tuning, "choose", lambda usual, measure: USUAL)
    assert tuned(model, USUAL, cache) == USUAL
    assert "threads" in cache.read_text()


def test_a_real_model_is_measured(model_file: object) -> None:
    assert callable(model_file)
    with tuning._Probe(model_file("smollm2-135m")) as probe:
        speed = probe.measure(Tuning(repack=False, batch=256, threads=1))
    assert min(speed.prompt, speed.wide, speed.single) > 0
    assert speed.seconds > 0
