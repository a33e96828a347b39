"""What the runtime benchmark measured, as ratios and as a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.runtime_work import Timed

PEERS = ("llama_cpp.server", "llama-server")
MOST_STOP_SECONDS = 0.2
MOST_WARM_SHARE = 0.1
_WEIGHT_BITS = 4.85
"""Bits of a weight on average in Q4_K_M."""


@dataclass(frozen=True)
class Result:
    """``ratios``: how many times longer each peer took in its best setting; None: not measured.
    ``share``: of the cold first token, where there is one."""

    each: dict[str, float]
    ratios: tuple[float | None, ...]
    share: float | None
    reached: bool


def result(found: Mapping[str, Sequence[Timed]], wanted: Sequence[float | None]) -> Result:
    """Medians of what each server took, held against what is wanted."""
    each = {name: statistics.median(one.each for one in runs) for name, runs in found.items()}
    ours = each["locum"]
    ratios: list[float | None] = []
    for peer in PEERS:
        of_peer = [value for name, value in each.items() if name.startswith(peer)]
        ratios.append(min(of_peer) / ours if of_peer else None)
    cold = statistics.median(one.cold for one in found["locum"])
    share = ours / cold if cold else None
    reached = share is None or share <= MOST_WARM_SHARE
    for ratio, least in zip(ratios, wanted, strict=True):
        reached = reached and (ratio is None or least is None or ratio >= least)
    return Result(each, tuple(ratios), share, reached)


def header() -> str:
    """The names of the columns."""
    return f"{'work':<44} {'locum':>10} {PEERS[0]:>18} {PEERS[1]:>14}"


def lines(title: str, row: Result, wanted: Sequence[float | None]) -> list[str]:
    """One row of the table, with the share of the cold time below it."""
    cells = [
        f"{ratio:.2f}×" + (f" (≥ {least})" if least else "") if ratio else "-"
        for ratio, least in zip(row.ratios, wanted, strict=True)
    ]
    ours = row.each["locum"]
    told = [f"{title:<44} {ours * 1000:>7.1f} ms {cells[0]:>18} {cells[1]:>14}"]
    if row.share is not None:
        told.append(
            f"{'  of the cold first token':<44} {row.share:>9.1%} (≤ {MOST_WARM_SHARE:.0%})"
        )
    return told


def stop_line(seconds: float) -> str:
    """How long a cancelled prefill went on."""
    most = MOST_STOP_SECONDS * 1000
    return f"{'a cancelled prefill stops after':<44} {seconds * 1000:>7.0f} ms (≤ {most:.0f})"


def shares(machine: Mapping[str, Any], each: Mapping[str, float], size: int) -> dict[str, float]:
    """What share of the machine's limits the speeds are; ``each``: seconds a token of our
    ``decode`` and ``prefill``; ``size``: bytes of the model."""
    found = {}
    if "decode" in each:
        found["decode_share"] = size / each["decode"] / machine["bytes_per_second"]
    if "prefill" in each:
        # Two operations for each weight and token.
        done = 2 * (size * 8 / _WEIGHT_BITS) / each["prefill"]
        found["prefill_share"] = done / machine["flops"]
    return found


def share_lines(found: Mapping[str, float]) -> list[str]:
    """Those shares as rows of the table."""
    names = {
        "decode_share": "decoding, of the memory bandwidth",
        "prefill_share": "prefill, of single-precision products",
    }
    return [f"{names[name]:<44} {share:>9.0%}" for name, share in found.items()]
