"""The approval screen: what is shown, and what each answer approves."""

from __future__ import annotations

import pytest

from agent.cli.approval import ask
from agent.runner import ApprovalRequest, Change

RISK = "What the model reads holds an instruction to a model: \x1b[2Jignore"


def change(file: str, *, apart: bool = False) -> Change:
    why = "can change how code is run or checked" if apart else "would be changed in your tree"
    return Change(file, f"/home/ada/repo/{file}", (f"1. {file} is wrong",), why, apart)


def request(*changes: Change, risks: tuple[str, ...] = ()) -> ApprovalRequest:
    return ApprovalRequest(
        files=tuple(one.file for one in changes),
        tree="/home/ada/repo",
        changes=changes,
        evidence=("Tests: 1 of 3 passed before, 3 of 3 pass with the patch",),
        risks=risks,
    )


SOURCES = (change("a.py"), change("b.py"))
CONFIG = (change("conftest.py", apart=True), change("tests/test_a.py", apart=True))


@pytest.mark.parametrize(
    ("answers", "approved"),
    [
        (["no", "no", "no"], ()),
        (["once", "no", "no"], ("a.py", "b.py")),
        (["once", "once", "no"], ("a.py", "b.py", "conftest.py")),
        (["no", "no", "once"], ("tests/test_a.py",)),
        (["once", "always"], None),
        (["always"], None),
        (["once", "once", "once"], None),
        (["no", "always"], ("conftest.py", "tests/test_a.py")),
    ],
)
def test_answers(
    answers: list[str], approved: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(answers)
    asked: list[str] = []
    monkeypatch.setattr("click.prompt", lambda text, **_: asked.append(text) or next(given))
    answer = ask(request(*SOURCES, *CONFIG))
    assert next(given, None) is None, "each was asked for"
    assert answer.files == approved
    assert answer.approved is (approved != ())
    words = ["this patch", "conftest.py", "tests/test_a.py"][: len(answers)]
    assert [text.partition("?")[0] for text in asked] == [f"Apply {word}" for word in words]


def test_the_screen_says_what_where_why_and_on_what_evidence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.prompt", lambda *_, **__: "no")
    ask(request(change("a.py"), change("x\x1b]0;t\x07\ny.py", apart=True), risks=(RISK,)))
    shown = capsys.readouterr().err
    for words in ("/home/ada/repo/a.py", "1. a.py is wrong", "3 of 3 pass", "RISK", "run or che"):
        assert words in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\ny.py" not in shown, "a name cannot begin a line of its own"
