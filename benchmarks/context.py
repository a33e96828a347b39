"""What each part of the question to the model is worth: how likely it makes the right fix.

    python -m benchmarks.context TASKS [--json FILE] [--only ID,ID] [--seconds N]

`TASKS/ID/repo` is a broken repository and `TASKS/ID/fix.patch` its right fix, as in
`benchmarks/repos`. For every function that the patch changes, the failing tests that run it are
the evidence. The model is forced to write the function as the question shows it, up to where the
fix first differs; the log-likelihood of the fix's text from there to the end of its last changed
line is the score. It is taken with all sections, without each kind of section, and with the code
behind the tests instead of before them. More nats are better: a gain of 1 makes the fix 2.7 times
as likely.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.repair.context import Section
from agent.repair.edit import read_source
from agent.repair.places import suspectable
from agent.repair.prompt import FixPrompt, Shown, question
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Evidence, Span, Suspect
from runtime import chat_template
from runtime.engine import LlamaEngine
from runtime.engine_api import Cancellation, Segment
from runtime.models import DEFAULT_MODEL, ModelStore
from tools.report import TestResult
from tools.sandbox import choose
from tools.testing import TestRunner, detect
from tools.workspace import Workspace

RUN_SECONDS = 200.0
NOISE = 0.3
"""Nats that count for nothing."""


@dataclass(frozen=True)
class Case:
    """One function with its right fix."""

    id: str
    shown: Shown
    sections: tuple[Section, ...]
    before: str
    """What the model is forced to write of the shown code."""
    target: str
    """What the fix writes then."""

    def variants(self) -> Iterator[tuple[str, list[Section]]]:
        yield "all", list(self.sections)
        for name in dict.fromkeys(section.name for section in self.sections):
            if name != "code":
                yield f"without {name}", [s for s in self.sections if s.name != name]
        yield "code last", sorted(self.sections, key=lambda section: section.name == "code")


@dataclass(frozen=True)
class Row:
    case: str
    variant: str
    tokens: int
    """Of the question."""
    nats: float
    """Log-likelihood of the fix."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options().parse_args(arguments)
    deadline = time.monotonic() + options.seconds
    prompt = FixPrompt((PythonLanguage(),))
    engine = LlamaEngine(ModelStore().path(DEFAULT_MODEL))
    rows: list[Row] = []
    try:
        for task in sorted(file.parent for file in options.tasks.glob("*/fix.patch")):
            if options.only and task.name not in options.only.split(","):
                continue
            for case in cases(task, prompt):
                if time.monotonic() < deadline:
                    rows += score(engine, prompt, case)
    finally:
        engine.close()
    print(table(rows))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")
    return 0


def cases(task: Path, prompt: FixPrompt) -> Iterator[Case]:
    """The functions that the task's patch changes and that a failing test runs."""
    with TemporaryDirectory(prefix="locum-context-") as home:
        workspace = Workspace.create(task / "repo", Path(home))
        root = workspace.root
        report = TestRunner(detect(root), root, choose(), timeout=RUN_SECONDS).run(coverage=True)
        for path, broken, fixed in patched(root, task / "fix.patch"):
            for suspect, right in changed(path, broken, fixed):
                failing = tuple(test for test in report.failing if _runs(test, suspect))
                evidence = Evidence(root, failing, report, (suspect,))
                shown = prompt.shown(evidence, suspect)
                written = forced(shown, right) if shown and failing else None
                if shown and written:
                    sections = tuple(prompt.sections(evidence, shown))
                    yield Case(f"{task.name} {suspect.name}", shown, sections, *written)
        workspace.close()


def patched(root: Path, patch: Path) -> list[tuple[str, str, str]]:
    """Path, broken and fixed text of each file that a patch changes; the tree stays broken."""
    rows = patch.read_text("utf-8").splitlines()
    paths = [row.removeprefix("+++ b/") for row in rows if row.startswith("+++ b/")]
    broken = [read_source(root, path) for path in paths]
    apply = ["git", "apply", str(patch.resolve())]
    subprocess.run(apply, cwd=root, check=True)
    fixed = [read_source(root, path) for path in paths]
    subprocess.run([*apply, "--reverse"], cwd=root, check=True)
    return list(zip(paths, broken, fixed, strict=True))


def changed(path: str, broken: str, fixed: str) -> Iterator[tuple[Suspect, str]]:
    """Functions that differ, with their right text."""
    language = PythonLanguage()

    def functions(text: str) -> dict[str, Span]:
        return {s.name: s for s in suspectable(language.spans(text)) if not s.is_class}

    after = functions(fixed)
    for name, span in functions(broken).items():
        right = fixed[after[name].start : after[name].end] if name in after else ""
        if right and right != broken[span.start : span.end]:
            place = {"first_line": span.first_line, "last_line": span.last_line}
            yield Suspect.model_validate({"path": path, "name": name, "score": 1, **place}), right


def forced(shown: Shown, right: str) -> tuple[str, str] | None:
    """What the model is forced to write, and what the fix writes then; None if that is nothing.

    The text that is scored begins with a whole word and the blanks in front of it: tokens do.
    """
    body = shown.body
    lead = len(body) - len(body.lstrip())
    fixed = body[:lead] + right
    differing = (index for index, (a, b) in enumerate(zip(body, fixed, strict=False)) if a != b)
    at = next(differing, min(len(body), len(fixed)))
    if not fixed[at:].strip():
        return None
    word = re.search(r"[ \t]*\w*\Z", fixed[:at])
    start = word.start() if word else at
    old, new = body[start:].split("\n"), fixed[start:].split("\n")
    while old and len(new) > 1 and old[-1] == new[-1]:
        del old[-1], new[-1]
    return shown.header + fixed[:start], "\n".join(new)


def score(engine: LlamaEngine, prompt: FixPrompt, case: Case) -> Iterator[Row]:
    """One row for each different question."""
    for name, sections in case.variants():
        asked = chat_template.render(engine.family, question(sections))
        start = Segment(prompt.opening(case.shown) + case.before)
        scored = engine.score([*asked, start], [case.target], Cancellation())
        yield Row(case.id, name, engine.count(asked), scored.scores[0].log_probability)


def table(rows: Sequence[Row]) -> str:
    """What taking something away, or moving it, costs on average."""
    whole = {row.case: row for row in rows if row.variant == "all"}
    lines = ["                     cases  nats: mean  median  lower  higher  tokens"]
    for name in dict.fromkeys(row.variant for row in rows):
        own = [row for row in rows if row.variant == name]
        gains = [row.nats - whole[row.case].nats for row in own]
        mean, median = statistics.mean(gains), statistics.median(gains)
        lower, higher = sum(g < -NOISE for g in gains), sum(g > NOISE for g in gains)
        tokens = statistics.mean(row.tokens - whole[row.case].tokens for row in own)
        told = f"{mean:+11.2f} {median:+7.2f} {lower:6} {higher:7} {tokens:+7.0f}"
        lines.append(f"{name:20} {len(own):6} {told}")
    return "\n".join(lines)


def _runs(test: TestResult, suspect: Suspect) -> bool:
    lines = test.lines.get(suspect.path, ())
    return any(suspect.first_line <= line <= suspect.last_line for line in lines)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tasks", type=Path, help="folder of TASK/repo with TASK/fix.patch")
    parser.add_argument("--json", type=Path, help="write every score to this file")
    parser.add_argument("--only", default="", help="names of tasks, with commas")
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin no case after these")
    return parser


if __name__ == "__main__":
    sys.exit(main())
