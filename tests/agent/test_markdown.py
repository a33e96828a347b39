"""The pull-request body says what the report says, and hostile text stays text."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent import markdown
from agent.report import Effort, ItemReport, Report, ReproductionReport, TestCounts
from agent.state import Finding, Kind, Status

PATCH = "--- a/bank/utils.py\n+++ b/bank/utils.py\n@@ -1 +1 @@\n-a / b\n+a * b / 100\n"


def tokens_of(body: str) -> list[Token]:
    """Block and inline tokens, as a CommonMark parser with tables sees them."""
    blocks = MarkdownIt("commonmark").enable("table").parse(body)
    return blocks + [child for block in blocks for child in block.children or []]


def make_item(**changes: object) -> ItemReport:
    values: dict[str, object] = {
        "number": 1,
        "kind": Kind.BUG,
        "title": "3 failing tests: assert 200.0 == 50.0",
        "subject": "calculate_interest",
        "path": "bank/utils.py",
        "first_line": 10,
        "last_line": 16,
        "status": Status.FIXED,
        "evidence": ("`calculate_interest` runs in 3 of 3 failing tests",),
        "note": "",
        "patch": PATCH,
        "strategy": "rewrite",
        "operator": "sample 3",
        "candidates_tried": 17,
        "survivors": 2,
        "behaviours": 0,
        "agreeing": 0,
        "alternatives": (),
    }
    return ItemReport.model_validate(values | changes)


def make_report(**changes: object) -> Report:
    values: dict[str, object] = {
        "run_id": "20260101-000000-abcd",
        "path": "/home/ada/bank",
        "exit_status": 0,
        "headline": "Tests pass: 6 of 9 before, 9 of 9 after",
        "before": TestCounts(passed=6, total=9, failing=("t.py::a", "t.py::b", "t.py::c")),
        "after": TestCounts(passed=9, total=9, failing=()),
        "items": (make_item(),),
        "flaky": (),
        "dropped": (),
        "findings": (),
        "explanation": "",
        "verdict": "applied",
        "reason": "",
        "applied": ("bank/utils.py",),
        "left": (),
        "patch": PATCH,
        "effort": Effort(
            seconds=42.2,
            candidates=17,
            test_runs=20,
            model="qwen",
            seed=0,
            model_requests=3,
            prompt_tokens=900,
            completion_tokens=300,
            cached_tokens=100,
            model_seconds=30.0,
        ),
        "environment": {"tests": "pytest", "sandbox": "bubblewrap", "local": True},
    }
    return Report.model_validate(values | changes)


def test_the_body_has_every_section_with_the_numbers_of_the_report() -> None:
    body = markdown.render(make_report())
    headings = re.findall(r"^## (.+)$", body, re.M)
    assert headings == [
        "What was wrong and why",
        "What changed",
        "Tests",
        "Diff",
        "Follow-ups",
        "How it was found",
    ]
    assert "6 of 9 passed before, 9 of 9 pass after" in body
    assert "17 candidates tried, 20 test runs, 42 s" in body
    assert "| passed | 6 | 9 |" in body
    assert "2 different edits made the tests of item 1 pass" in body


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "@everyone #1 please merge",
        "\x1b]0;owned\x07text",
        "# heading\n## another",
        "| a | b |",
        "a\u202egnp.exe",
        "`unbalanced backtick",
    ],
)
def test_text_of_repositories_and_models_cannot_become_markup(hostile: str) -> None:
    report = make_report(
        items=(make_item(title=hostile, note=hostile, evidence=(hostile,), path=hostile),),
        explanation=hostile,
        findings=(Finding(path="other.py", line=1, text=hostile),),
        before=TestCounts(passed=0, total=1, failing=(hostile,)),
    )
    body = markdown.render(report)
    tokens = tokens_of(body)
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "link_open", "image"}
    prose = "".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"[@#]\w", prose), "a mention or a reference outside code"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", body)
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings.count("h1") == 1
    assert headings.count("h2") == 6


def test_the_parser_of_these_tests_sees_markup_where_there_is_some() -> None:
    kinds = {token.type for token in tokens_of("[a](https://b.example) <b>c</b>")}
    assert {"link_open", "html_inline"} <= kinds


def test_a_diff_with_fences_in_it_stays_one_block() -> None:
    patch = "--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-```\n+````python\n"
    body = markdown.render(make_report(patch=patch))
    fence = re.search(r"^(`{3,})diff$", body, re.M)
    assert fence is not None
    assert len(fence[1]) > 4
    assert body.count(f"\n{fence[1]}\n") == 1


def test_the_model_speaks_only_as_an_explanation() -> None:
    body = markdown.render(make_report(explanation="All 9 tests pass.\nI ran them."))
    assert "In the model's words (an explanation, not evidence):" in body
    assert "> All 9 tests pass." in body


@pytest.mark.parametrize(
    ("behaviours", "agreeing", "said"),
    [
        (3, 9, "with 3 different behaviours on inputs near the tests' own; 9 of them behave like"),
        (2, 1, "1 of them behaves like the chosen one: look whether"),
        (1, 9, "those that were compared behave alike"),
        (0, 0, "pass; look whether the chosen one is what you mean"),
        (2, 0, "pass; look whether the chosen one is what you mean"),
    ],
)
def test_the_summary_says_how_many_behaviours_passed(behaviours: int, agreeing: int, said: str):
    item = make_item(survivors=12, behaviours=behaviours, agreeing=agreeing)
    assert said in markdown.render(make_report(items=(item,)))


def test_alternatives_stand_in_the_summary_with_why_they_rank_lower() -> None:
    other = PATCH.replace("a * b / 100", "b * a / 100")
    item = make_item(alternatives=(other,), alternatives_why=("weighs 3.1 nats less `x`",))
    body = markdown.render(make_report(items=(item,)))
    assert "## Alternatives" in body
    assert "Item 1, number 2: weighs 3.1 nats less `x`." in body
    assert "+b * a / 100" in body
    assert "## Alternatives" not in markdown.render(make_report()), "none was asked for"


def test_alternatives_that_are_too_long_are_left_to_the_json_report() -> None:
    long = PATCH + "+x\n" * 10_000
    item = make_item(alternatives=(PATCH, long), alternatives_why=("first", "second"))
    body = markdown.render(make_report(items=(item,)))
    assert "number 2: first" in body
    assert "second" not in body
    assert "stand in the JSON report" in body


def reproduction(**changes: object) -> ReproductionReport:
    values: dict[str, object] = {
        "path": "tests/test_reported_f.py",
        "text": "def test_f():\n    assert f() == 2\n",
        "test": "tests/test_reported_f.py::test_f",
        "checks": ("it fails: `AssertionError: assert 1 == 2`",),
        "tried": 8,
        "kept": True,
        "problem": "",
    }
    return ReproductionReport.model_validate(values | changes)


def test_a_test_that_the_model_wrote_is_named_as_such() -> None:
    body = markdown.render(make_report(reproduction=reproduction()))
    assert "the model wrote one from the report: `tests/test_reported_f.py::test_f`" in body
    assert "is part of the patch" in body
    assert "- it fails: `AssertionError: assert 1 == 2`" in body
    left_out = markdown.render(make_report(reproduction=reproduction(kept=False)))
    assert "is not part of the patch" in left_out
    assert "def test_f():" in left_out, "it may help a person"
    assert "def test_f():" not in body, "it stands in the diff"


def test_a_report_that_was_not_reproduced_is_said_plainly() -> None:
    problem = "8 tests were written, and none failed."
    tried = reproduction(path="", test="", checks=(), problem=problem)
    body = markdown.render(make_report(reproduction=tried))
    assert f"The report was not reproduced: {problem}" in body
    assert "not reproduced" not in markdown.render(make_report())
