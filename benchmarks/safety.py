"""What safety costs: deciding on a tool call, starting tests in the sandbox, keeping the record.

    python -m benchmarks.safety [--json FILE]

The record's share is measured where it is largest: in a search that tries one candidate after the
other and asks no model. Nothing else should run beside.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.record import Record
from agent.tracing import Prompts, Trace
from agent.wiring import USUAL, ruled_policy
from benchmarks.figures import Figure, told
from benchmarks.verification import REPOSITORIES, measure
from tools.gateway import Gateway
from tools.sandbox import NoSandbox, Sandbox, choose
from tools.testing import TestRunner, detect
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

CALLS: dict[str, dict[str, Any]] = {
    "read_file": {"path": "src/a.py", "first_line": 1, "last_line": 40},
    "write_file": {"path": "src/a.py", "content": "x = 1\n" * 500},
    "search_code": {"pattern": "larger", "path": "src"},
    "run_command": {"argv": ["ruff", "check", "src/a.py"]},
    "list_files": {"path": "../outside"},
}
TESTS = "def test_it():\n    assert True\n"


def decisions(rounds: int) -> Figure:
    """Milliseconds from a call to the decision on it: schema, path, rules, budgets."""
    with TemporaryDirectory() as name:
        gateway = _gateway(Path(name))
        spent: list[float] = []
        for _ in range(rounds):
            for tool, arguments in CALLS.items():
                began = time.perf_counter()
                gateway.judge(tool, arguments)
                spent.append((time.perf_counter() - began) * 1000)
    spent.sort()
    median, high = statistics.median(spent), spent[int(len(spent) * 0.99)]
    detail = f"99 % within {high:.3f} ms, {len(spent):,} calls"
    return Figure("decision on a tool call", median, 1.0, "ms", detail)


def _gateway(place: Path) -> Gateway:
    (place / "empty").mkdir()
    workspace = Workspace.create(place / "empty", place / "run")
    policy = ruled_policy(USUAL, ())
    return Gateway(build_toolbox(workspace, NoSandbox(), policy), policy, lambda _: None)


def starts(rounds: int) -> list[Figure]:
    """Milliseconds that the sandbox adds to a program, and to a test run of its own."""
    boxed, free = choose(), NoSandbox(allow_unsandboxed=True)
    if boxed.level == "none":
        raise SystemExit("No sandbox works here; `agent doctor` says why.")
    with TemporaryDirectory() as name:
        root = Path(name) / "repo"
        root.mkdir()
        (root / "test_it.py").write_text(TESTS)

        def program(sandbox: Sandbox) -> None:
            sandbox.run(["true"], cwd=root, timeout=60, writable=[root])

        def tests(sandbox: Sandbox) -> None:
            report = TestRunner(detect(root), root, sandbox, timeout=60).run()
            assert report.passed_count == 1, report.problem

        return [
            _added("sandboxed program", program, boxed, free, rounds),
            _added("sandboxed test run", tests, boxed, free, rounds),
        ]


def _added(
    name: str, act: Callable[[Sandbox], None], boxed: Sandbox, free: Sandbox, rounds: int
) -> Figure:
    """In turn, so that whatever else the machine does slows both."""
    spent: dict[str, list[float]] = {"boxed": [], "free": []}
    for _ in range(rounds):
        for key, sandbox in (("free", free), ("boxed", boxed)):
            began = time.perf_counter()
            act(sandbox)
            spent[key].append((time.perf_counter() - began) * 1000)
    with_box, without = (statistics.median(spent[key]) for key in ("boxed", "free"))
    detail = f"{with_box:.0f} ms in {boxed.name}, {without:.0f} ms outside, {rounds} of each"
    return Figure(f"{name}: time added", with_box - without, 50.0, "ms", detail)


def recording(most: int) -> Figure:
    """Percent of a search without a model that goes into its record."""
    with TemporaryDirectory() as name, _timed() as inside:
        os.environ["LOCUM_STATE"] = str(Path(name) / "state")
        began = time.perf_counter()
        for source in sorted(path for path in REPOSITORIES.iterdir() if path.is_dir()):
            measure(source, Path(name) / source.name, most)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(name).glob("*/record.jsonl"))
    spent = inside["seconds"]
    detail = (
        f"{spent * 1000:.0f} ms of {seconds:.1f} s, {inside['lines']:.0f} lines, {size:,} bytes"
    )
    return Figure("record", 100 * spent / seconds, 2.0, "%", detail)


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Adds up the time inside of what keeps the record; calls inside of each other count once."""
    inside = {"seconds": 0.0, "lines": 0.0, "depth": 0.0}

    def timed(act: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any, **options: Any) -> Any:
            inside["depth"] += 1
            inside["lines"] += act is write
            began = time.perf_counter()
            try:
                return act(*arguments, **options)
            finally:
                inside["depth"] -= 1
                if not inside["depth"]:
                    inside["seconds"] += time.perf_counter() - began

        return work

    write = Record.write
    with ExitStack() as stack:
        for owner, name in (
            (Record, "write"),
            (Trace, "on_ruling"),
            (Trace, "on_call"),
            (Prompts, "__call__"),
        ):
            before = getattr(owner, name)
            stack.callback(setattr, owner, name, before)
            setattr(owner, name, timed(before))
        yield inside


def main(words: Sequence[str] | None = None) -> int:
    """Print a table and write JSON; 1 when something costs more than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25, help="of each start")
    parser.add_argument("--most", type=int, default=100, help="candidates for each repository")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args(words)
    figures = [decisions(given.rounds * 40), *starts(given.rounds), recording(given.most)]
    return told(figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
