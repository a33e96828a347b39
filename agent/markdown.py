"""The pull-request body. Facts come from the report; words of the model are marked as such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.patches import changed
from agent.quoting import code, fenced, plain, sentence
from agent.report import ItemReport, Report, ReproductionReport
from agent.state import Kind, Status
from tools.redaction import redact
from tools.text import strip_control

DIFF_LIMIT = 40_000
"""Characters of diff in the body; GitHub refuses bodies over 65,536."""
ALTERNATIVES_LIMIT = 12_000
"""Characters of the alternatives' diffs in the body, all together."""
_TITLES = {Kind.BUG: "Bug", Kind.DUPLICATION: "Duplication", Kind.STYLE: "Style"}


def render(report: Report) -> str:
    parts = [
        f"# {plain(title(report))}",
        _opening(report),
        _wrong(report),
        _changed(report),
        _tests(report),
        _diff(report),
        _alternatives(report),
        _follow_ups(report),
        _how(report),
    ]
    return redact("\n\n".join(part for part in parts if part) + "\n")


def title(report: Report) -> str:
    """One line of plain text, fit for the subject of a pull request."""
    bugs = [item for item in report.items if item.kind is Kind.BUG and item.patch]
    if not bugs:
        return report.headline
    names = list(dict.fromkeys(f"{item.subject} in {item.path}" for item in bugs))
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    counts = f"{report.after.passed} of {report.after.total} tests pass"
    return f"Fix {' and '.join(names[:2])}{more}; {counts}, {report.before.passed} before"


def _opening(report: Report) -> str:
    b, a = report.before, report.after
    lines = [
        f"Tests: **{b.passed} of {b.total} passed before, {a.passed} of {a.total} pass after.**"
    ]
    if report.commit:
        where = f"{code(report.commit[:12])} on branch {code(report.branch)}"
        lines.append(f"Committed as {where}; the working tree is as it was.")
    if report.left and report.reason:
        lines.append(f"Not applied: {plain(report.reason)}")
    if report.reproduction is not None:
        lines.append(_reproduced(report.reproduction))
    return " ".join(lines)


def _reproduced(reproduction: ReproductionReport) -> str:
    """What the reader must know before he trusts the numbers."""
    if not reproduction.path:
        return f"The report was not reproduced: {sentence(reproduction.problem)}"
    kept = "is part of the patch" if reproduction.kept else "is not part of the patch"
    return (
        "No test failed at first, so the model wrote one from the report: "
        f"{code(reproduction.test)}. It counts as failing before, and {kept}."
    )


def _wrong(report: Report) -> str:
    if not report.items:
        return ""
    blocks = [_item(item) for item in report.items if item.status is not Status.SAME_CAUSE]
    return "\n\n".join(["## What was wrong and why", *blocks])


def _item(item: ItemReport) -> str:
    what = f" ({code(item.subject)})" if item.kind is Kind.BUG and item.subject else ""
    lines = [
        f"### {item.number}. {_TITLES[item.kind]} in {code(item.path)}{what}, "
        f"line{'s' * (item.first_line != item.last_line)} {_lines(item)}: {item.status.value}",
        "",
        *[f"- {sentence(text)}" for text in (item.title, *item.evidence)],
    ]
    if mend := _mend(item.patch):
        lines.append(f"- {mend}")
    if item.note:
        lines.append(f"- {sentence(item.note)}")
    return "\n".join(lines)


def _mend(patch: str) -> str:
    """What became of the one line that a patch replaces; empty for any other patch."""
    removed, added = changed(patch)
    if len(removed) != 1 or len(added) != 1:
        return ""
    return f"{code(removed[0])} became {code(added[0])}"


def _lines(item: ItemReport) -> str:
    if item.first_line == item.last_line:
        return str(item.first_line)
    return f"{item.first_line}–{item.last_line}"


def _changed(report: Report) -> str:
    done = [item for item in report.items if item.patch]
    if not done:
        return ""
    lines = ["## What changed", ""]
    for item in done:
        removed, added = changed(item.patch)
        lines.append(
            f"- {_TITLES[item.kind]} {item.number}: {_files(item.patch)} "
            f"(+{len(added)} −{len(removed)}), {_origin(item)}"
        )
    if report.explanation:
        lines += ["", "In the model's words (an explanation, not evidence):", ""]
        lines += [
            f"> {plain(line, 1_500)}" for line in report.explanation.splitlines() if line.strip()
        ]
    return "\n".join(lines)


def _origin(item: ItemReport) -> str:
    how = {
        "clone": "the copy replaced by an import",
        "style": "by the linter's safe fixes",
        "greedy": "rewritten by the model, its likeliest answer",
        "rewrite": "rewritten by the model",
        "branch": "branched from the code where the model was surprised",
        "template": "by a typed edit of the syntax tree",
    }.get(item.strategy, item.strategy)
    detail = f" ({code(item.operator)})" if item.operator else ""
    return f"{how}{detail}; verified by the tests."


def _files(patch: str) -> str:
    names = [line[6:] for line in patch.splitlines() if line.startswith("+++ b/")]
    return ", ".join(code(name) for name in names) or "a file"


def _alternatives(report: Report) -> str:
    """Survivors that were not chosen, as far as a forge takes so long a text."""
    blocks: list[str] = []
    room = ALTERNATIVES_LIMIT
    for item in report.items:
        pairs = zip(item.alternatives, item.alternatives_why, strict=True)
        for number, (patch, why) in enumerate(pairs, 2):
            room -= len(patch)
            if room < 0:
                return "\n\n".join([*blocks, "The other ones stand in the JSON report."])
            blocks.append(f"Item {item.number}, number {number}: {sentence(why)}.")
            blocks.append(fenced(strip_control(patch), "diff"))
    return "\n\n".join(["## Alternatives", *blocks]) if blocks else ""


def _tests(report: Report) -> str:
    before, after = report.before, report.after
    rows = [
        "## Tests",
        "",
        "| | before | after |",
        "|---|---|---|",
        f"| passed | {before.passed} | {after.passed} |",
        f"| failed | {len(before.failing)} | {len(after.failing)} |",
        f"| total | {before.total} | {after.total} |",
    ]
    if report.caveats:
        rows += ["", *[f"- {sentence(caveat)}" for caveat in report.caveats]]
    mended = [name for name in before.failing if name not in after.failing]
    rows += _names("Failed before, pass now:", mended)
    rows += _names("Still failing:", after.failing)
    if (written := report.reproduction) is not None and written.path:
        rows += ["", f"{code(written.test)} was written by the model from the report:", ""]
        rows += [f"- {sentence(check)}" for check in written.checks]
        if not written.kept:
            rows += ["", fenced(strip_control(written.text), "")]
    rows += _names("Flaky (failed once, passed on a rerun without any edit):", report.flaky)
    return "\n".join(rows)


def _names(heading: str, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    shown = [f"- {code(name)}" for name in ids[:20]]
    more = [f"- and {len(ids) - 20} more"] if len(ids) > 20 else []
    return ["", heading, "", *shown, *more]


def _diff(report: Report) -> str:
    if not report.patch:
        return ""
    patch = strip_control(report.patch)
    note = ""
    if len(patch) > DIFF_LIMIT:
        patch = patch[:DIFF_LIMIT]
        note = "\n\nThe diff is cut here; the whole of it is in the patch file."
    return f"## Diff\n\n{fenced(patch, 'diff')}{note}"


def _follow_ups(report: Report) -> str:
    lines = list(_remaining(report))
    return "\n".join(["## Follow-ups", "", *lines]) if lines else ""


def _remaining(report: Report) -> Iterable[str]:
    for item in report.items:
        if item.status in (Status.OPEN, Status.FAILED, Status.PARTLY, Status.REPORTED):
            where = f"{code(f'{item.path}:{item.first_line}')}"
            yield f"- {_TITLES[item.kind]} {item.number} ({where}) is {item.status.value}."
    for name in report.left:
        yield f"- {code(name)} is in the patch file and was not applied."
    for item in report.items:
        if item.survivors > 1:
            yield f"- {_survivors(item)}"
    fixed = {item.path for item in report.items if item.patch}
    for finding in report.findings:
        if finding.path not in fixed:
            yield (
                f"- The model (unverified) on {code(f'{finding.path}:{finding.line}')}: "
                f"{plain(finding.text)}"
            )


def _survivors(item: ItemReport) -> str:
    passed = f"{item.survivors} different edits made the tests of item {item.number} pass"
    look = "look whether the chosen one is what you mean."
    if not item.behaviours or not item.agreeing:
        return f"{passed}; {look}"
    if item.behaviours == 1:
        return f"{passed}; those that were compared behave alike on inputs near the tests' own."
    return (
        f"{passed}, with {item.behaviours} different behaviours on inputs near the tests' own; "
        f"{item.agreeing} of them behave{'s' * (item.agreeing == 1)} like the chosen one: {look}"
    )


def _how(report: Report) -> str:
    e, env = report.effort, report.environment
    lines = [
        "## How it was found",
        "",
        f"- {e.candidates} candidates tried, {e.test_runs} test runs, {e.seconds:.0f} s in all.",
        f"- Model {code(e.model)}, seed {e.seed}: {e.model_requests} requests, "
        f"{e.prompt_tokens} prompt tokens ({e.cached_tokens} from the cache) and "
        f"{e.completion_tokens} written in {e.model_seconds:.0f} s.",
    ]
    if env.get("tests"):
        lines.append(f"- Tests: {plain(str(env['tests']))}.")
    if env.get("sandbox"):
        lines.append(f"- Sandbox: {plain(str(env['sandbox']))}.")
    lines += [f"- Risk: {plain(text)}" for text in env.get("risk", ())]
    if report.dropped:
        lines.append(f"- {len(report.dropped)} plan items dropped because they named nothing real.")
    where = (
        "the model ran on this machine and no byte of the repository left it"
        if env.get("local")
        else f"the model was asked at {code(str(env.get('endpoint', '')))}"
    )
    if env.get("escalated"):
        where = f"code of the repository was sent to {code(str(env['escalated']))}, as asked for"
    lines.append(f"- Run {code(report.run_id)}; {where}.")
    return "\n".join(lines)
