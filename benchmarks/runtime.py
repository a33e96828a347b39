"""How fast the runtime is beside its peers, on the same model, prompts, threads and machine.

Every piece of work is done by each server in turn, in one run after the other, and the medians
are compared. Where a peer runs in more than one setting, its best one counts. Nothing else should
run on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import runtime_machine, runtime_peers, runtime_work
from benchmarks.runtime_peers import Server
from benchmarks.runtime_work import Timed, Work
from runtime.hardware import physical_cores
from runtime.models import ModelStore

PEERS = ("llama_cpp.server", "llama-server")


@dataclass(frozen=True)
class Row:
    """A piece of work and how many times faster than each peer it has to be."""

    name: str
    work: Work
    wanted: tuple[float | None, float | None]


ROWS = {
    "samples": Row("32 samples of 128 tokens, 700-token prompt", runtime_work.samples, (2.5, 1.0)),
    "turn": Row("first token of turn 2, 3,000-token prefix", runtime_work.second_turn, (None, 1.0)),
    "scores": Row("64 continuations scored, 600-token prefix", runtime_work.scores, (5.0, 1.5)),
    "branches": Row("100 branches in a 300-token function", runtime_work.branches, (8.0, 3.0)),
    "rewrite": Row("function rewritten, one line changed", runtime_work.rewrite, (1.5, 1.0)),
    "decode": Row("single stream", runtime_work.decode, (1.0, 0.95)),
    "prefill": Row("prefill of 2,000 tokens", runtime_work.prefill, (1.3, 1.0)),
}
MOST_STOP_SECONDS = 0.2
MOST_WARM_SHARE = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write JSON; 1 when something is below what is wanted."""
    options = _options(arguments)
    model = ModelStore().path(options.model)
    rows = options.only.split(",") if options.only else [*ROWS, "cancel"]
    figures: dict[str, Any] = {"model": options.model, "rows": {}}
    print(f"{'work':<44} {'locum':>10} {PEERS[0]:>18} {PEERS[1]:>14}")
    with ExitStack() as stack:
        ours = stack.enter_context(runtime_peers.locum(model, options.threads))
        servers = [ours, *_peers(stack, model, options)]
        for name in rows:
            if name in ROWS:
                extra = _extra(stack, name, model, options)
                found = _measure(ROWS[name], [*servers, *extra], options.runs)
                figures["rows"][name] = _report(ROWS[name], found)
        if "cancel" in rows:
            figures["stop_seconds"] = _cancellation(ours, options.runs)
    figures["machine"] = _machine(model, figures, options.threads or physical_cores())
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    missed = [name for name, row in figures["rows"].items() if not row["reached"]]
    if figures.get("stop_seconds", 0.0) > MOST_STOP_SECONDS:
        missed.append("cancel")
    print("below what is wanted: " + ", ".join(missed) if missed else "all as wanted")
    return 1 if missed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b", help="id or path of a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="of each work on each server")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(ROWS)}, cancel")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of them to run")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args(arguments)


def _peers(stack: ExitStack, model: Path, options: argparse.Namespace) -> list[Server]:
    wanted = options.peers.split(",")
    starts: list[AbstractContextManager[Server]] = []
    if PEERS[0] in wanted:
        starts.append(runtime_peers.llama_cpp_server(model, options.threads))
    if PEERS[1] in wanted:
        starts += [
            runtime_peers.llama_server(model, options.threads, repack=repack)
            for repack in (True, False)
        ]
    return [stack.enter_context(start) for start in starts]


def _extra(stack: ExitStack, name: str, model: Path, options: argparse.Namespace) -> list[Server]:
    """Scores need the bindings' server in a setting that slows everything else down."""
    if name != "scores" or PEERS[0] not in options.peers.split(","):
        return []
    start = runtime_peers.llama_cpp_server(model, options.threads, all_logits=True)
    return [stack.enter_context(start)]


def _measure(row: Row, servers: Sequence[Server], runs: int) -> dict[str, list[Timed]]:
    """What each server took, by its name; the servers take turns."""
    found: dict[str, list[Timed]] = {}
    # Every server gets the same prompts, and no row those of another.
    first = 1000 * (1 + list(ROWS.values()).index(row))
    for run in range(runs):
        for server in servers:
            print(f"  {row.name}: run {run + 1} of {runs}, {server.name}", file=sys.stderr)
            timed = row.work(server, first + run)
            if timed is not None:
                found.setdefault(server.name, []).append(timed)
    return found


def _report(row: Row, found: dict[str, list[Timed]]) -> dict[str, Any]:
    each = {name: statistics.median(one.each for one in all_) for name, all_ in found.items()}
    ours = each.pop("locum")
    ratios: list[float | None] = []
    for peer in PEERS:
        of_peer = [value for name, value in each.items() if name.startswith(peer)]
        ratios.append(min(of_peer) / ours if of_peer else None)
    reached = all(
        ratio is None or wanted is None or ratio >= wanted
        for ratio, wanted in zip(ratios, row.wanted, strict=True)
    )
    result: dict[str, Any] = {
        "seconds_each": {"locum": ours} | each,
        "ratios": dict(zip(PEERS, ratios, strict=True)),
        "wanted": dict(zip(PEERS, row.wanted, strict=True)),
        "runs": {name: [vars(one) for one in all_] for name, all_ in found.items()},
    }
    cells = [
        f"{ratio:.2f}×" + (f" (≥ {wanted})" if wanted else "") if ratio else "-"
        for ratio, wanted in zip(ratios, row.wanted, strict=True)
    ]
    print(f"{row.name:<44} {ours * 1000:>7.1f} ms {cells[0]:>18} {cells[1]:>14}")
    cold = statistics.median(one.cold for one in found["locum"])
    if cold:
        result["share_of_cold"] = ours / cold
        reached = reached and ours / cold <= MOST_WARM_SHARE
        print(f"{'  of the cold first token':<44} {ours / cold:>9.1%} (≤ {MOST_WARM_SHARE:.0%})")
    return result | {"reached": reached}


def _cancellation(ours: Server, runs: int) -> float:
    taken = [runtime_work.cancellation(ours, 9000 + run) for run in range(runs)]
    seconds = statistics.median(one.seconds for one in taken if one is not None)
    print(
        f"{'a cancelled prefill stops after':<44} {seconds * 1000:>7.0f} ms"
        f" (≤ {MOST_STOP_SECONDS * 1000:.0f})"
    )
    return seconds


def _machine(model: Path, figures: dict[str, Any], threads: int) -> dict[str, Any]:
    """What share of the machine's limits the measured speeds are."""
    limits: dict[str, Any] = {
        "processors": os.cpu_count(),
        "threads": threads,
        "bytes_per_second": runtime_machine.bandwidth(threads),
        "flops": runtime_machine.matrix_product(),
    }
    rows = figures["rows"]
    size = model.stat().st_size
    if "decode" in rows:
        read = size / rows["decode"]["seconds_each"]["locum"]
        limits["decode_share"] = read / limits["bytes_per_second"]
        print(f"{'decoding, of the memory bandwidth':<44} {limits['decode_share']:>9.0%}")
    if "prefill" in rows:
        # 4.85 bits a weight on average in Q4_K_M; two operations for each weight and token.
        weights = size * 8 / 4.85
        done = 2 * weights / rows["prefill"]["seconds_each"]["locum"]
        limits["prefill_share"] = done / limits["flops"]
        print(f"{'prefill, of single-precision products':<44} {limits['prefill_share']:>9.0%}")
    return limits


if __name__ == "__main__":
    sys.exit(main())
