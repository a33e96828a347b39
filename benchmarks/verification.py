"""How many candidates a second the real way through verifies, on small functions.

Everything is as in a run of `agent fix`: a workspace copy, the sandbox, the gateway with its
policy and its record, a forked worker for each candidate, a second lane where there are two cores.
Only the model is left out: candidates are template edits. Each of the small repositories below has
a bug that no single edit mends, so that every candidate costs what most candidates of a search
cost: one write, one run of the failing tests.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from langgraph.runtime import Runtime

from agent import record, searching
from agent.host import RemoteHost
from agent.nodes.plan import plan
from agent.repair.seams import Verdict
from agent.state import Scope, Task, current_item
from agent.wiring import build_deps

WARM_UP = 8
"""Candidates that are judged before the time is taken: each lane's worker starts once in a run."""
REPOSITORIES = Path(__file__).resolve().parent / "small"
WANTED = 20.0
"""Candidates a second that a search needs."""


@dataclass(frozen=True)
class Measured:
    """One repository. Seconds are sums over all candidates that ran."""

    name: str
    candidates: int
    seconds: float
    write_seconds: float
    """Inside the gateway's `write_file`."""
    run_seconds: float
    """Inside the gateway's `run_tests`; with two lanes up to twice what the clock says."""
    median_ms: float
    """Of one call of `run_tests`."""
    slowest_ms: float

    @property
    def rate(self) -> float:
        return self.candidates / self.seconds if self.seconds else 0.0


def measure(source: Path, home: Path, most: int) -> Measured:
    """Judge up to `most` candidates for the first bug of the repository at `source`."""
    home.mkdir()
    task = Task(
        path=str(source),
        model="none",
        budget_seconds=100.0,
        scope=Scope.BUGS,
        strategies=("template",),
    )
    with ExitStack() as stack:
        nowhere = RemoteHost("http://127.0.0.1:9/v1", "none", "none")
        deps = build_deps(
            task, source.name, home, lambda _event: None, threading.Event(), stack, nowhere
        )
        state = plan({"edits": {}}, Runtime(context=deps))
        item = current_item(state)
        if item is None or not item.targets:
            raise SystemExit(f"{source} has no failing test that leads to a function.")
        evidence = searching.evidence(deps, state, item)
        batches = deps.search.batches(evidence, deps.budget)
        candidates = [candidate for batch in batches for candidate in batch.candidates][:most]
        searching.verdicts(deps, state, item, candidates[:WARM_UP])
        before = sum(1 for _ in record.read(deps.record.path))
        started = time.monotonic()
        verdicts = searching.verdicts(deps, state, item, candidates[WARM_UP:])
        seconds = time.monotonic() - started
        calls = list(record.read(deps.record.path))[before:]
    return _measured(source.name, verdicts, seconds, calls)


def _measured(
    name: str, verdicts: Sequence[Verdict], seconds: float, lines: Sequence[dict[str, object]]
) -> Measured:
    spent: dict[str, list[float]] = {"write_file": [], "run_tests": []}
    for line in lines:
        data = line["data"]
        if line["kind"] == "tool" and isinstance(data, dict):
            spent[data["tool"]].append(data["seconds"])
    return Measured(
        name=name,
        candidates=sum(not verdict.rejected for verdict in verdicts),
        seconds=seconds,
        write_seconds=sum(spent["write_file"]),
        run_seconds=sum(spent["run_tests"]),
        median_ms=statistics.median(spent["run_tests"]) * 1000,
        slowest_ms=max(spent["run_tests"]) * 1000,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each repository and write JSON; 1 when the rate is below the wanted one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--most", type=int, default=150, help="candidates for each repository, the first 8 untimed"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="locum-bench-") as directory:
        os.environ["LOCUM_STATE"] = str(Path(directory) / "state")
        found = [
            measure(source, Path(directory) / source.name, options.most)
            for source in sorted(REPOSITORIES.iterdir())
            if source.is_dir()
        ]
    total, seconds = sum(one.candidates for one in found), sum(one.seconds for one in found)
    print(f"{'repository':<12} {'candidates':>10} {'a second':>9} {'a run':>8} {'in tests':>9}")
    for one in found:
        share = one.run_seconds / one.seconds
        print(
            f"{one.name:<12} {one.candidates:>10} {one.rate:>9.1f} {one.median_ms:>5.0f} ms"
            f" {share:>8.0%}"
        )
    print(f"{'all':<12} {total:>10} {total / seconds:>9.1f}   (wanted: {WANTED:.0f})")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {
            "candidates_per_second": total / seconds,
            "wanted": WANTED,
            "processors": os.cpu_count(),
            "repositories": [{**asdict(one), "rate": one.rate} for one in found],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0 if total / seconds >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
