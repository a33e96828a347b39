"""What a run says that edits nothing: the plan, and why the tests fail."""

from __future__ import annotations

from collections.abc import Iterator

from agent.deps import Deps
from agent.prompts import prompt
from agent.quoting import code, fenced, plain, sentence
from agent.report import ItemReport, Report
from agent.state import Goal, Kind, PlanItem, RunState, Status, items_of, report_of
from tools.redaction import redact
from tools.report import TestResult
from tools.text import head_and_tail, one_line, strip_control

EXPLAINED = 3
"""Bugs that the model is asked about; a question takes some ten seconds on two cores."""
ANSWER_TOKENS = 140
CODE_SHOWN, TRACEBACK_SHOWN = 2_500, 1_200
"""Characters; about 700 and 350 tokens."""
_SUSPECTS = 5
_TESTS = 10
_TITLES = {Kind.BUG: "Bug", Kind.DUPLICATION: "Duplication", Kind.STYLE: "Style"}


def render(report: Report, state: RunState) -> str:
    """The plan as Markdown; `explain` also tells each failing test with its way to the fault."""
    parts = [f"# {plain(report.headline)}", *_caveats(report)]
    tests = {test.id: test for test in report_of(state, "now").failing}
    planned = {item.number: item for item in items_of(state)}
    for item in report.items:
        parts.append(_item(item))
        if report.goal is Goal.EXPLAIN:
            targets = planned[item.number].targets
            parts += _failures([tests[name] for name in targets if name in tests])
    if report.explanation:
        parts.append("## In the model's words (an explanation, not evidence)")
        parts += [
            f"> {plain(line, 1_500)}" for line in report.explanation.splitlines() if line.strip()
        ]
    parts.append(_next(report))
    return redact("\n\n".join(part for part in parts if part) + "\n")


def explain(deps: Deps, state: RunState) -> str:
    """The model's words on the first bugs of the plan; empty unless they were asked for."""
    if deps.task.goal is not Goal.EXPLAIN:
        return ""
    tests = {test.id: test for test in report_of(state, "now").failing}
    bugs = [item for item in items_of(state) if item.targets and item.status is Status.OPEN]
    told = []
    for item in bugs[:EXPLAINED]:
        test = next((tests[name] for name in item.targets if name in tests), None)
        if test is not None and not deps.budget.spent:
            words = _asked(deps, item, test)
            told.append(f"{item.number}. {words}" if len(bugs) > 1 else words)
    return "\n".join(told)


def _asked(deps: Deps, item: PlanItem, test: TestResult) -> str:
    """Raises RuntimeFailure: without the model there is nothing that was asked for."""
    part = deps.call(
        "read_file", path=item.path, first_line=item.first_line, last_line=item.last_line
    )
    question = "\n".join(
        [
            f"The test {test.id} fails: {one_line(test.message)}",
            fenced(head_and_tail(test.traceback, TRACEBACK_SHOWN), ""),
            f"It runs this code of {item.path}:",
            fenced(head_and_tail(part.content, CODE_SHOWN), ""),
        ]
    )
    messages = [
        {"role": "system", "content": prompt("why")},
        {"role": "user", "content": question},
    ]
    answer = deps.thinker.chat(
        messages, purpose="explain", max_tokens=ANSWER_TOKENS, seed=deps.task.seed, show=True
    )
    return one_line(strip_control(answer.texts[0]), 1_200)


def _caveats(report: Report) -> list[str]:
    lines = [*report.caveats]
    if report.flaky:
        names = ", ".join(code(name) for name in report.flaky[:_TESTS])
        return [*map(sentence, lines), f"Flaky (failed once, passed on a rerun): {names}"]
    return [sentence(line) for line in lines]


def _item(item: ItemReport) -> str:
    place = code(f"{item.path}:{item.first_line}")
    lines = [f"## {item.number}. {_TITLES[item.kind]} in {place}", ""]
    lines += [f"- {sentence(text)}" for text in (item.title, *item.evidence)]
    if item.proposal:
        lines.append(f"- {sentence(item.proposal)}")
    if len(item.suspects) > 1:
        lines += ["", "| suspicion | function | place |", "|---|---|---|"]
        lines += [
            f"| {one.score:.2f} | {code(one.name)} | {code(f'{one.path}:{one.first_line}')} |"
            for one in item.suspects[:_SUSPECTS]
        ]
    return "\n".join(lines)


def _failures(tests: list[TestResult]) -> Iterator[str]:
    for test in tests[:_TESTS]:
        yield f"### {code(test.id)}\n\n{code(one_line(test.message, 300))}"
        steps = [_step(test, number) for number in range(len(test.frames))]
        if steps:
            yield "\n".join(steps)
    if len(tests) > _TESTS:
        yield f"And {len(tests) - _TESTS} more tests that fail in the same place."


def _step(test: TestResult, number: int) -> str:
    """One frame of the way, and in the last one what the names held."""
    frame = test.frames[number]
    line = f"{number + 1}. {code(f'{frame.path}:{frame.line}')} in {code(frame.function)}"
    if number < len(test.frames) - 1 or not frame.local_values:
        return line
    values = ", ".join(
        code(f"{name} = {one_line(value, 60)}")
        for name, value in list(frame.local_values.items())[:8]
    )
    return f"{line}, with {values}"


def _next(report: Report) -> str:
    mendable = [item for item in report.items if item.status is Status.OPEN]
    if not mendable:
        return "Nothing here can be mended by an edit." if report.items else ""
    return "Nothing was changed. `agent fix` searches for edits that pass the tests."
