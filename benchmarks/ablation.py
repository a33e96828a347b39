"""One benchmark under several settings of the search, and one table of them.

    python -m benchmarks.ablation --out DIR [--settings "greedy=greedy;all="] -- --repos FOLDER

What stands behind `--` goes to `agent bench` as it is. Each setting has its own folder in `--out`;
what was interrupted goes on where it stopped when the same command is given again. A setting is
NAME=STRATEGIES, as `agent bench --strategies` takes them; nothing behind the `=` means all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SETTINGS = "greedy=greedy;samples=rewrite:16;templates=template;branching=branch;all="
"""The model's first answer, sixteen samples, no model at all, branching alone, everything."""
HEAD = (
    *("setting", "tasks", "right", "plausible", "overfits", "first survivor right"),
    *("median", "90 %", "candidates", "a second", "tokens written"),
)
FIRST_SURVIVOR = "first survivor"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status is that of the first `agent bench` that failed, else 0."""
    options = _options().parse_args(arguments)
    settings = parse(options.settings)
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name, strategies in settings.items():
        folder = options.out / name
        print(f"{name}: {strategies or 'all strategies'}", file=sys.stderr, flush=True)
        done = subprocess.run(command(options.bench, strategies, folder), stdout=subprocess.DEVNULL)
        if done.returncode:
            return done.returncode
        found[name] = json.loads((folder / "totals.json").read_text("utf-8"))
        # After each setting: half a table is worth having, and hours may pass until the next.
        (options.out / "ablation.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        (options.out / "ablation.md").write_text(table(found), "utf-8")
    print(table(found), end="")
    return 0


def parse(text: str) -> dict[str, str]:
    """Settings by name; raises ValueError for what is none, or a name that no folder can have."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, strategies = part.partition("=")
        name = name.strip()
        if not equals or not name or name in found or set(name) & set("/\\.") or name[0] == "-":
            raise ValueError(f"{part!r} is no setting; write NAME=STRATEGIES, each name once.")
        found[name] = strategies.strip()
    if not found:
        raise ValueError("There is no setting.")
    return found


def command(bench: Sequence[str], strategies: str, folder: Path) -> list[str]:
    """`agent bench` for one setting, going on with what is there."""
    words = [sys.executable, "-m", "agent", "bench", *bench, "--resume", "--out", str(folder)]
    return [*words, "--strategies", strategies] if strategies else words


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The totals of `agent bench` by setting, as Markdown."""
    rows = [_row(name, totals) for name, totals in found.items()]
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _row(name: str, totals: Mapping[str, Any]) -> tuple[str, ...]:
    tasks = totals["tasks"]
    first = next(p["right"] for p in totals["policies"] if p["name"] == FIRST_SURVIVOR)
    counts = (totals["right"], totals["plausible"], totals["overfits"], first)
    times = (totals["median_seconds"], totals["p90_seconds"])
    return (
        *(name, str(tasks)),
        *(f"{count} ({100 * count / tasks:.0f} %)" if tasks else "–" for count in counts),
        *("–" if seconds is None else f"{seconds:.1f} s" for seconds in times),
        *(f"{totals['ran']:,}", str(totals["candidates_per_second"] or "–")),
        f"{totals['completion_tokens']:,}",
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--settings", default=SETTINGS, metavar="NAME=STRATEGIES;…")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("bench", nargs="*", metavar="ARGUMENT", help="for `agent bench`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
