"""Which settings are fastest for one model on one machine: measured once, then remembered.

Weights laid out anew for the processor decode a single sequence faster and read prompts slower
(or the other way round, depending on the processor), so nothing short of trying tells.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import platformdirs
import psutil

from runtime.core import Core, Entry
from runtime.engine_api import EngineError
from runtime.hardware import cpu_model, physical_cores, simd
from runtime.llama import ContextShape, LlamaCore, Weights, system_info

# Seconds after which the rest is not tried.
MOST_SECONDS = 20.0
# A difference smaller than this may be chance.
CLEARLY = 0.9
_WIDE = 64
_PROMPT = 256
# What a search asks of a model for one suspect, in tokens: prompts, branches, single streams.
_MIX = (1000, 700, 60)


@dataclass(frozen=True)
class Tuning:
    """``repack``: weights laid out anew; ``batch``: entries of one decode; ``threads``."""

    repack: bool
    batch: int
    threads: int


@dataclass(frozen=True)
class Speed:
    """Tokens a second: reading a prompt, 64 sequences at once, and one."""

    prompt: float
    wide: float
    single: float

    @property
    def seconds(self) -> float:
        """For the mix that the settings are chosen by; less is better."""
        speeds = (self.prompt, self.wide, self.single)
        return sum(tokens / speed for tokens, speed in zip(_MIX, speeds, strict=True))


Measure = Callable[[Tuning], Speed]


def tuned(model_file: Path, usual: Tuning, cache: Path | None = None) -> Tuning:
    """What was found best for this model and machine; measured now if the machine is idle."""
    cache = cache or default_cache()
    key = machine_key(model_file)
    if (known := _recall(cache, key)) is not None:
        return known
    if busy():
        return usual
    with _Probe(model_file) as probe:
        best = choose(usual, probe.measure)
    _remember(cache, key, best)
    return best


def choose(usual: Tuning, measure: Measure, most_seconds: float = MOST_SECONDS) -> Tuning:
    """The fastest setting: first the layout of the weights, then batch size, then threads."""
    began = time.monotonic()
    best, speed = usual, measure(usual)
    for change in _changes(usual):
        if time.monotonic() - began > most_seconds:
            break
        candidate = change(best)
        try:
            found = measure(candidate)
        except EngineError:
            continue  # too little memory for it
        if found.seconds < CLEARLY * speed.seconds:
            best, speed = candidate, found
    return best


def busy() -> bool:
    """Whether others use the processor, so that a measurement would tell about them."""
    return psutil.getloadavg()[0] > 0.5 * (psutil.cpu_count() or 1)


def machine_key(model_file: Path) -> str:
    """Changes with the processor, the build of llama.cpp and the model file."""
    size = model_file.stat().st_size
    parts = (cpu_model(), physical_cores(), simd(), system_info(), model_file.name, size)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def default_cache() -> Path:
    """Beside the models."""
    named = os.environ.get("LOCUM_CACHE")
    base = Path(named).expanduser() if named else platformdirs.user_cache_path("locum")
    return base / "tuning.json"


def _changes(usual: Tuning) -> Iterator[Callable[[Tuning], Tuning]]:
    yield lambda best: replace(best, repack=not usual.repack)
    for size in (256, 1024):
        yield lambda best, size=size: replace(best, batch=size)  # type: ignore[misc]
    logical = psutil.cpu_count() or 1
    if logical > usual.threads:
        yield lambda best: replace(best, threads=logical)


class _Probe:
    """Keeps the weights of the last measurement, as most changes need no others."""

    def __init__(self, model_file: Path) -> None:
        self._model_file = model_file
        self._weights: Weights | None = None
        self._repack = False

    def __enter__(self) -> "_Probe":
        return self

    def __exit__(self, *_: object) -> None:
        if self._weights is not None:
            self._weights.close()

    def measure(self, tuning: Tuning) -> Speed:
        """Raises EngineError where the setting cannot be had."""
        if self._weights is None or self._repack != tuning.repack:
            if self._weights is not None:
                self._weights.close()
                self._weights = None
            self._weights = Weights(self._model_file, repack=tuning.repack, gpu_layers=0)
            self._repack = tuning.repack
        cells = 4 * tuning.batch
        shape = ContextShape(cells, cells, _WIDE + 1, tuning.batch, tuning.threads)
        core = LlamaCore(self._weights, shape)
        try:
            _run(core, [Entry(1, at, 0, False) for at in range(16)])
            core.forget(0)
            return Speed(_prompt(core), _decoding(core, _WIDE), _decoding(core, 1))
        finally:
            core.close()


def _prompt(core: Core) -> float:
    seconds = 0.0
    size = min(_PROMPT, core.batch)
    for start in range(0, 2 * _PROMPT, size):
        seconds += _run(core, [Entry(1 + at, at, 0, False) for at in range(start, start + size)])
    return 2 * _PROMPT / seconds


def _decoding(core: Core, width: int, steps: int = 3) -> float:
    for sequence in range(1, width + 1):
        core.forget(sequence)
        core.share(0, sequence, 0, 2 * _PROMPT)
    took = [
        _run(core, [Entry(7, 2 * _PROMPT + step, each, True) for each in range(1, width + 1)])
        for step in range(steps)
    ]
    return width / min(took)


def _run(core: Core, entries: list[Entry]) -> float:
    began = time.perf_counter()
    core.decode(entries)
    return time.perf_counter() - began


def _recall(cache: Path, key: str) -> Tuning | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return Tuning(**json.loads(cache.read_text("utf-8"))[key])
    return None


def _remember(cache: Path, key: str, tuning: Tuning) -> None:
    # A cache that cannot be written only means that the next start measures again.
    with contextlib.suppress(OSError):
        known: dict[str, object] = {}
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(cache.read_text("utf-8"))
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = cache.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(known | {key: asdict(tuning)}, indent=1), "utf-8")
        fresh.replace(cache)
