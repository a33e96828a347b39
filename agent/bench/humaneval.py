"""Tasks in the format of HumanEvalFix: one function with a bug, and a list of asserts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ValidationError

from agent.bench.asserts import Checks, module_names, take_apart
from agent.bench.case import Built, Unsound
from agent.bench.trees import TreeTests
from agent.errors import Unusable
from tools.report import Outcome

MODULE, RIGHT, VISIBLE, HIDDEN = "solution", "right", "test_solution.py", "test_hidden.py"


class Line(BaseModel):
    """The fields of a line that are used; others are ignored."""

    task_id: str
    declaration: str
    canonical_solution: str
    buggy_solution: str
    entry_point: str
    test: str
    bug_type: str = ""


@dataclass(frozen=True)
class HumanEvalCase:
    line: Line

    @property
    def id(self) -> str:
        return self.line.task_id

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.line.bug_type,) if self.line.bug_type else ()

    def build(self, root: Path, tests: TreeTests) -> Built:
        """Every second assert is visible, the first included, and others until one fails."""
        line = self.line
        buggy = line.declaration + line.buggy_solution
        right = line.declaration + line.canonical_solution
        try:
            checks = take_apart(line.test, line.entry_point)
        except (SyntaxError, ValueError) as error:
            raise Unsound(f"The asserts of {line.task_id} cannot be used: {error}") from error
        names = module_names(right)
        failing, wrong = _failing({MODULE: buggy, RIGHT: right}, checks, names, tests)
        if wrong:
            raise Unsound(f"The right solution of {line.task_id} fails assert {wrong[0] + 1}.")
        if not failing:
            raise Unsound(f"The buggy solution of {line.task_id} passes every assert.")
        every = range(len(checks.bodies))
        visible = set(every[::2])
        if visible.isdisjoint(failing):
            visible.add(failing[0])
        hidden = [index for index in every if index not in visible]
        root.mkdir()
        (root / f"{MODULE}.py").write_text(buggy, "utf-8")
        (root / VISIBLE).write_text(checks.render(MODULE, names, sorted(visible)), "utf-8")
        if not hidden:
            return Built({}, "Its asserts cannot be split, so none is hidden.")
        return Built({HIDDEN: checks.render(MODULE, names, hidden).encode()})


def _failing(
    modules: Mapping[str, str], checks: Checks, names: Collection[str], tests: TreeTests
) -> list[list[int]]:
    """Which of all the asserts (0-based) do not pass, for each of the modules."""
    every = range(len(checks.bodies))
    with TemporaryDirectory(prefix="locum-bench-") as directory:
        root = Path(directory)
        for name, source in modules.items():
            (root / f"{name}.py").write_text(source, "utf-8")
            (root / f"test_{name}.py").write_text(checks.render(name, names, every), "utf-8")
        passed = set(tests.run(root).ids(Outcome.PASSED))
    prefix = f"::test_{checks.function}_"
    return [
        [index for index in every if f"test_{name}.py{prefix}{index + 1}" not in passed]
        for name in modules
    ]


def load(file: Path) -> list[HumanEvalCase]:
    """The tasks of a JSON Lines file; raises Unusable with the line that is wrong, OSError."""
    cases = []
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            cases.append(HumanEvalCase(Line.model_validate_json(text)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise Unusable(
                f"Line {number} of {file} is no HumanEvalFix task: {where}: {first['msg']}."
            ) from error
    return cases
