"""What the model is asked about a mend, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from mending import mended

from agent.explaining import LINES, question
from agent.state import Kind, PlanItem
from runtime.client import Endpoint

PATCH = """diff --git a/calc.py b/calc.py
--- a/calc.py
+++ b/calc.py
@@ -1,3 +1,3 @@
 def smaller(a, b):
-    if a > b:
-        return a
+    if a < b:
     return b
"""


def item(patch: str) -> PlanItem:
    return PlanItem(
        number=1, kind=Kind.BUG, title="", path="calc.py", first_line=1, last_line=3,
        subject="smaller", patch=patch,
    )  # fmt: skip


def test_the_model_sees_the_changed_lines_alone() -> None:
    asked = question(item(PATCH))
    old, new = asked.split("New lines:")
    assert "Old lines, in smaller" in old
    assert "\nif a > b:\n    return a\n" in old
    assert "\nif a < b:\n" in new
    assert "return b" not in asked
    assert "calc.py" not in asked


def test_lines_that_are_only_added_or_very_many_are_told_as_well() -> None:
    rows = [f"+    step_{number}()" for number in range(500)]
    asked = question(item("\n".join(["--- a/calc.py", "+++ b/calc.py", "@@ -1 +1 @@", *rows])))
    assert asked.startswith("Old lines, in smaller: none\n")
    assert "step_0()" in asked
    assert "step_499()" in asked
    assert len(asked) < 2 * LINES


@pytest.mark.usefixtures("home", "few_edits")
@pytest.mark.parametrize("reply", ["The old line took the \x1b[31mlarger one.", ""])
def test_its_answer_stands_in_the_report_as_plain_text(
    reply: str,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text("def larger(a, b):\n    return a if a < b else b\n")
    (root / "test_calc.py").write_text(
        "from calc import larger\n\n\ndef test_larger():\n    assert larger(3, 2) == 3\n"
    )
    engine = FakeEngine(replies=(reply,), nats=lambda text: 0.0)
    served = serve(engine)
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    report, _ = mended(root, served)
    assert report["explanation"] == reply.replace("\x1b[31m", "")
    asked = "".join(segment.text for segment in engine.requests[-1].prompt)
    assert "Old lines, in larger" in asked
    assert "assert" not in asked
