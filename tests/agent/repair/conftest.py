"""Evidence, budgets and scripted models for the repair search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.repair.budget import Budget
from agent.repair.python.language import PythonLanguage
from agent.repair.seams import Evidence, Suspect
from tools.report import Outcome, TestReport, TestResult

Build = Callable[..., Evidence]


@pytest.fixture
def budget() -> Budget:
    return Budget(deadline=100.0, clock=lambda: 0.0)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Lays files into a repository and gives its root."""

    def lay(files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        return tmp_path

    return lay


@pytest.fixture
def evidence(write: Callable[[Mapping[str, str]], Path]) -> Build:
    """Evidence on `m.py` with one failing test, one passing, and its functions suspected."""

    def build(source: str, *names: str, lines: dict[int, float] | None = None) -> Evidence:
        test = "from m import f\n\n\ndef test_f():\n    assert f(3) == 1234\n"
        root = write({"m.py": source, "test_m.py": test})
        failing = TestResult(
            id="test_m.py::test_f",
            outcome=Outcome.FAILED,
            path="test_m.py",
            message="assert 3 == 1234",
            lines={"m.py": (2,)},
        )
        passing = TestResult(id="test_m.py::test_g", outcome=Outcome.PASSED, path="test_m.py")
        suspects = tuple(
            Suspect(
                path="m.py",
                name=span.name,
                first_line=span.first_line,
                last_line=span.last_line,
                score=1.0,
                lines=lines or {},
            )
            for span in PythonLanguage().spans(source)
            if span.name in names
        )
        return Evidence(
            root=root,
            failing=(failing,),
            baseline=TestReport(results=(failing, passing), exit_code=1),
            suspects=suspects,
        )

    return build
