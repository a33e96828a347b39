"""The approval: what it shows, and what each answer gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import story
from screens import show, text_of, until
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from agent.approval import Alternative, ApprovalRequest, Change, Revision
from tui.screens.approval import ApprovalScreen, Decision
from tui.screens.confirm import ConfirmScreen, LineScreen
from tui.widgets.diffview import DiffView

FIRST = story.DIFF.split("--- a/bank/transfer")[0]
OTHERS = (
    Alternative(1, 0, FIRST.replace("* rate / 100", "* (rate / 100)"), "weighs 1.2 nats less"),
    Alternative(1, 1, FIRST.replace("* rate / 100", "// rate"), "deletes a check"),
)
Steps = Callable[[Pilot[Any], ApprovalScreen], Awaitable[None]]


def asked(drive: Any, steps: Steps, request: ApprovalRequest, size: tuple[int, int]) -> list[Any]:
    """What the screen answered after the steps."""
    answers: list[Any] = []

    async def scenario(pilot: Pilot[Any]) -> None:
        run = await show(pilot, story.whole()[:-3])
        screen = ApprovalScreen(request, run.view)
        await pilot.app.push_screen(screen, answers.append)
        await pilot.pause(0.2)
        await steps(pilot, screen)
        await pilot.pause(0.2)

    drive(scenario, size=size)
    return answers


@pytest.fixture
def request_(tmp_path: Path) -> ApprovalRequest:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "interest.py").write_text("rate = 1\n")
    return ApprovalRequest(
        ("bank/interest.py",), "/src/bank", copy=str(tmp_path), alternatives=OTHERS
    )


@pytest.fixture
def ask(drive: Any, request_: ApprovalRequest) -> Callable[[Steps], Decision | None]:
    def go(steps: Steps, size: tuple[int, int] = (140, 42)) -> Decision | None:
        (answer,) = asked(drive, steps, request_, size)
        assert answer is None or isinstance(answer, Decision)
        return answer

    return go


def pressing(*keys: str) -> Steps:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        await pilot.press(*keys)

    return steps


def test_diff_evidence_and_survivors_are_shown(ask: Any) -> None:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        assert "Write this to /src/bank?" in text_of(screen, "#question")
        assert "* rate / 100" in text_of(screen, "#patch")
        evidence = text_of(screen, "#evidence")
        assert "6 → 9 of 9 pass" in evidence
        assert "3 of 41 candidates pass" in evidence
        assert "2 behave like this one" in evidence
        options = screen.query_one("#others", OptionList)
        assert options.option_count == 3
        await pilot.press("escape")

    assert ask(steps) is None


def test_approve(ask: Any) -> None:
    decision = ask(pressing("y"))
    assert (decision.answer.approved, decision.for_all) == (True, False)


def test_a_file_that_steers_how_code_is_run_is_asked_about_by_itself(drive: Any) -> None:
    changes = (
        Change("a.py", "/src/bank/a.py", (), "would be changed in your tree", apart=False),
        Change(
            "conftest.py", "/src/bank/conftest.py", (), "can change how code is run", apart=True
        ),
    )
    request = ApprovalRequest(("a.py", "conftest.py"), "/src/bank", changes=changes)

    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        assert "conftest.py can change how code is run" in text_of(screen, "#question")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ConfirmScreen))

    (decision,) = asked(drive, steps, request, (140, 42))
    assert decision.answer.approved
    assert decision.answer.files == ("a.py",)


def test_approve_all_in_this_run(ask: Any) -> None:
    decision = ask(pressing("A"))
    assert (decision.answer.approved, decision.for_all) == (True, True)


def test_by_mouse_on_a_narrow_terminal(ask: Any) -> None:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        await pilot.click("#approve")

    assert ask(steps, size=(76, 30)).answer.approved


def test_choose_another_survivor(ask: Any) -> None:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        await pilot.press("c")
        assert screen.query_one("#others").has_focus, "first it has to be looked at"
        await pilot.press("down", "down")
        await pilot.pause(0.1)
        assert "// rate" in text_of(screen, "#patch")
        assert screen.query_one(DiffView).border_title == "Instead, for item 1"
        await pilot.press("c")

    answer = ask(steps).answer
    assert not answer.approved
    assert answer.revision == Revision("alternative", 1, 1)


def test_reject_with_a_reason(ask: Any) -> None:
    answer = ask(pressing("r", *"no", "enter")).answer
    assert (answer.approved, answer.reason, answer.revision) == (False, "no", None)


def test_another_candidate_with_a_reason_for_the_search(ask: Any) -> None:
    answer = ask(pressing("n", *"why", "enter")).answer
    assert (answer.approved, answer.reason, answer.revision) == (False, "why", Revision("another"))


def test_leaving_the_reason_goes_back_to_the_question(ask: Any) -> None:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        await pilot.press("r")
        await pilot.pause(0.2)
        assert isinstance(pilot.app.screen, LineScreen)
        assert pilot.app.screen.query_one(Input).has_focus
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert pilot.app.screen is screen
        await pilot.press("y")

    assert ask(steps).answer.approved


def test_edit_by_hand(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nfor f; do printf "rate = 2\\r\\n" > "$f"; done\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setattr("textual.app.App.suspend", lambda self: nullcontext())
    answer = ask(pressing("e")).answer
    assert answer.revision == Revision("edited", files={"bank/interest.py": "rate = 2\r\n"})
    assert (tmp_path / "bank" / "interest.py").read_text() == "rate = 1\n", "only a copy is edited"


def test_an_editor_that_changes_nothing_decides_nothing(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setattr("textual.app.App.suspend", lambda self: nullcontext())

    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        await pilot.press("e")
        await pilot.pause(0.3)
        assert pilot.app.screen is screen
        await pilot.press("escape")

    assert ask(steps) is None


def test_without_a_terminal_for_an_editor_it_says_so(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test's own driver cannot be suspended, as a browser cannot."""
    monkeypatch.setenv("VISUAL", "true")
    told: list[str] = []
    monkeypatch.setattr("textual.app.App.notify", lambda self, text, **_: told.append(text))
    assert ask(pressing("e", "escape")) is None
    assert any("no terminal" in text for text in told)


def test_without_survivors_there_is_nothing_to_choose(drive: Any) -> None:
    async def steps(pilot: Pilot[Any], screen: ApprovalScreen) -> None:
        assert not screen.query("#choose")
        assert not screen.query_one("#others").display
        await pilot.press("c", "y")

    request = ApprovalRequest(("a.py",), "/src/bank")
    (answer,) = asked(drive, steps, request, (140, 42))
    assert answer.answer.approved
