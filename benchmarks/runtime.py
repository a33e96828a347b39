"""How fast the runtime is beside its peers, on the same model, prompts, threads and machine.

Every piece of work is done by each server in turn, in one run after the other, and the medians
are compared. Where a peer runs in more than one setting, its best one counts. Nothing else should
run on the machine. The figures are written after every row; with --resume the rows that are there
already are taken as they are, so that the table can be measured in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import runtime_machine, runtime_peers, runtime_table, runtime_work
from benchmarks.runtime_peers import PARALLEL, Server
from benchmarks.runtime_table import MOST_STOP_SECONDS, PEERS
from benchmarks.runtime_work import Timed, Work
from runtime.hardware import physical_cores
from runtime.models import ModelStore

Start = AbstractContextManager[Server]
CANCEL = "cancel"
# A setting that took so many times longer than another of the same peer is not run again, and
# none that took so many times longer than ours: five runs of that would take hours.
HOPELESS, FAR = 1.5, 20.0


@dataclass(frozen=True)
class Row:
    """A piece of work, how many times faster than each peer it has to be, and how many requests
    at once llama-server may get: each is tried, because each may suit it best."""

    name: str
    work: Work
    wanted: tuple[float | None, float | None]
    widths: tuple[int, ...] = ()


WIDTHS = (1, 4, PARALLEL)
ROWS = {
    "samples": Row("32 samples of 128 tokens, 700-token prompt", runtime_work.samples, (2.5, 1.0)),
    "turn": Row("first token of turn 2, 3,000-token prefix", runtime_work.second_turn, (None, 1.0)),
    "scores": Row(
        # With 32 at once each of upstream's slots reads the prefix anew: that had taken three times
        # as long as one at once when it was broken off.
        "64 continuations scored, 600-token prefix",
        runtime_work.scores,
        (5.0, 1.5),
        WIDTHS[:2],
    ),
    "branches": Row(
        "100 branches in a 300-token function", runtime_work.branches, (8.0, 3.0), WIDTHS
    ),
    "rewrite": Row("function rewritten, one line changed", runtime_work.rewrite, (1.5, 1.0)),
    "decode": Row("single stream", runtime_work.decode, (1.0, 0.95)),
    "prefill": Row("prefill of 2,000 tokens", runtime_work.prefill, (1.3, 1.0)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write JSON; 1 when something is below what is wanted."""
    options = _options(arguments)
    model = ModelStore().path(options.model)
    figures = _earlier(options)
    rows = figures["rows"]
    asked = options.only.split(",") if options.only else [*ROWS, CANCEL]
    missing = [name for name in asked if name not in rows]
    if missing:
        figures["machine"] = {
            "processors": os.cpu_count(),
            "bytes_per_second": runtime_machine.bandwidth(options.threads),
            "flops": runtime_machine.matrix_product(),
        }
        with ExitStack() as stack:
            ours = stack.enter_context(runtime_peers.locum(model, options.threads))
            servers = [ours, *(stack.enter_context(one) for one in _peers(model, options))]
            servers = [replace(server, part=options.part) for server in servers]
            for name in missing:
                rows[name] = _row(name, servers, model, options)
                _write(options.json, figures)
    if options.part < 1.0:
        print(f"only {options.part:g} of the work: no figures to rely on")
    missed = _report(figures, model.stat().st_size)
    _write(options.json, figures)
    print("below what is wanted: " + ", ".join(missed) if missed else "all as wanted")
    return 1 if missed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b", help="id or path of a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="of each work on each server")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(ROWS)}, {CANCEL}")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of them to run")
    parser.add_argument("--part", type=float, default=1.0, help="of the work, to try this out")
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--resume", action="store_true", help="do not measure again what --json has already"
    )
    options = parser.parse_args(arguments)
    unknown = set(filter(None, options.only.split(","))) - {*ROWS, CANCEL}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    if options.resume and not options.json:
        parser.error("--resume needs the file with --json")
    return options


def _earlier(options: argparse.Namespace) -> dict[str, Any]:
    """What is to be written, with the rows of a run of the same kind that is gone on with."""
    same = {name: getattr(options, name) for name in ("model", "runs", "threads", "peers", "part")}
    if not options.resume or not options.json.is_file():
        return same | {"rows": {}}
    known: dict[str, Any] = json.loads(options.json.read_text("utf-8"))
    if any(known.get(name) != value for name, value in same.items()):
        raise SystemExit(f"{options.json} was measured otherwise; move it, or leave out --resume.")
    return known


def _write(file: Path | None, figures: dict[str, Any]) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _peers(model: Path, options: argparse.Namespace) -> list[Start]:
    wanted = options.peers.split(",")
    starts: list[Start] = []
    if PEERS[0] in wanted:
        starts.append(runtime_peers.llama_cpp_server(model, options.threads))
    if PEERS[1] in wanted:
        starts += [
            runtime_peers.llama_server(model, options.threads, repack=repack)
            for repack in (True, False)
        ]
    return starts


def _special(name: str, model: Path, options: argparse.Namespace) -> list[Start]:
    """Peers in settings that suit one row only, and slow the others down."""
    wanted, threads = options.peers.split(","), options.threads
    starts: list[Start] = []
    if name == "scores" and PEERS[0] in wanted:
        starts.append(runtime_peers.llama_cpp_server(model, threads, all_logits=True))
    if name == "rewrite" and PEERS[0] in wanted:
        starts.append(runtime_peers.llama_cpp_server(model, threads, guess=True))
    if name == "rewrite" and PEERS[1] in wanted:
        starts += [
            runtime_peers.llama_server(model, threads, repack=repack, guess=True)
            for repack in (True, False)
        ]
    return starts


def _row(
    name: str, servers: Sequence[Server], model: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The runs of one row, by the name of the server."""
    began = time.monotonic()
    if name == CANCEL:
        timed = [runtime_work.cancellation(servers[0], 9000 + run) for run in range(options.runs)]
        return {"runs": {"locum": [vars(one) for one in timed if one is not None]}}
    with ExitStack() as stack:
        special = [stack.enter_context(one) for one in _special(name, model, options)]
        more = [replace(server, part=options.part) for server in special]
        found = _measure(ROWS[name], [*servers, *more], options.runs)
    took = round(time.monotonic() - began)
    print(f"  {ROWS[name].name}: {took} s in all", file=sys.stderr)
    runs = {server: [vars(one) for one in all_] for server, all_ in found.items()}
    return {"took_seconds": took, "runs": runs}


def _measure(row: Row, servers: Sequence[Server], runs: int) -> dict[str, list[Timed]]:
    """What each server took, by its name; the servers take turns."""
    found: dict[str, list[Timed]] = {}
    asked = [one for server in servers for one in _settings(server, row)]
    # Every server gets the same prompts, and no row those of another.
    first = 1000 * (1 + list(ROWS.values()).index(row))
    for run in range(runs):
        for server in asked:
            print(f"  {row.name}: run {run + 1} of {runs}, {server.name}", file=sys.stderr)
            # Two settings of one server must not find each other's prompts.
            setting = row.widths.index(server.width) if server.width in row.widths else 0
            timed = _timed(row, server, first + run + 100 * setting)
            if timed is not None:
                found.setdefault(server.name, []).append(timed)
        asked = [server for server in asked if not _hopeless(server, asked, found)]
    return found


def _timed(row: Row, server: Server, number: int) -> Timed | None:
    """None where the server cannot do it: a setting with which a peer fails is left out."""
    try:
        return row.work(server, number)
    except runtime_work.Failed as failure:
        if server.kind == "locum":
            raise SystemExit(str(failure)) from failure
        print(f"  left out: {failure}", file=sys.stderr)
        return None


def _settings(server: Server, row: Row) -> list[Server]:
    if server.kind != PEERS[1] or not row.widths:
        return [server]
    return [server.at_once(width) for width in row.widths]


def _hopeless(server: Server, asked: Sequence[Server], found: dict[str, list[Timed]]) -> bool:
    """Whether there is nothing to learn from further runs of a setting."""
    if server.kind == "locum" or server.name not in found:
        return server.kind != "locum"
    each = found[server.name][0].each
    of_peer = [one for one in asked if one.kind == server.kind and one.name in found]
    best = min(found[one.name][0].each for one in of_peer)
    return each > HOPELESS * best or each > FAR * found["locum"][0].each


def _report(figures: dict[str, Any], size: int) -> list[str]:
    """Print the table and add what follows from the runs; names of the rows that fall short."""
    missed: list[str] = []
    each: dict[str, float] = {}
    print(runtime_table.header())
    for name, row in ROWS.items():
        if (known := figures["rows"].get(name)) is None:
            continue
        found = {server: [Timed(**one) for one in runs] for server, runs in known["runs"].items()}
        result = runtime_table.result(found, row.wanted)
        known["seconds_each"] = result.each
        known["ratios"] = dict(zip(PEERS, result.ratios, strict=True))
        known["wanted"] = dict(zip(PEERS, row.wanted, strict=True))
        known["share_of_cold"], known["reached"] = result.share, result.reached
        print("\n".join(runtime_table.lines(row.name, result, row.wanted)))
        each[name] = result.each["locum"]
        missed += [] if result.reached else [name]
    if (known := figures["rows"].get(CANCEL)) is not None:
        known["seconds"] = statistics.median(one["seconds"] for one in known["runs"]["locum"])
        print(runtime_table.stop_line(known["seconds"]))
        missed += [CANCEL] if known["seconds"] > MOST_STOP_SECONDS else []
    shares = runtime_table.shares(figures["machine"], each, size)
    figures["machine"] |= shares
    print("\n".join(runtime_table.share_lines(shares)))
    return missed


if __name__ == "__main__":
    # The servers are ended on the way out, and a killed process has none.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
