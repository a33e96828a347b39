"""What a report says, in the words of GitHub Actions: annotations, outputs, summary.

Forms: workflow commands and environment files, as GitHub documents them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from agent.report import Report
from agent.state import Kind, Status
from tools.text import one_line, strip_control

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
_LEVELS = {Kind.BUG: "error", Kind.DUPLICATION: "notice", Kind.STYLE: "warning"}


def outputs(report: Report) -> dict[str, str]:
    """By name, each one line; `fixed` says whether all tests pass with the patch."""
    before, after = report.before, report.after
    return {
        "fixed": str(not after.failing and after.total > 0).lower(),
        "exit-status": str(report.exit_status),
        "headline": one_line(report.headline),
        "tests-before": f"{before.passed} of {before.total}",
        "tests-after": f"{after.passed} of {after.total}",
        "branch": one_line(report.branch) if report.commit else "",
    }


def environment_file(values: Mapping[str, str]) -> str:
    """The values as a file like $GITHUB_OUTPUT takes them, whatever they hold."""
    lines = []
    for name, value in values.items():
        end = f"end_{secrets.token_hex(16)}"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(lines)


def commands(report: Report, folder: str = "") -> Iterator[str]:
    """A workflow command for each hunk of a mend, and for each item that is not mended.

    Lines are those of the checkout, before the mend; `folder` is the repository's place in it.
    """
    for item in report.items:
        if item.patch:
            for path, first, last in _changed_lines(item.patch):
                told = f"{item.title}. The mend passes {_counts(report)}."
                yield _command("notice", _under(folder, path), first, last, "Mended", told)
        elif item.status is not Status.SAME_CAUSE:
            title = f"{item.kind.value.capitalize()} {item.status.value}"
            told = ". ".join([item.title, *item.evidence[:3]])
            place = _under(folder, item.path)
            level = _LEVELS[item.kind]
            yield _command(level, place, item.first_line, item.last_line, title, told)


def _counts(report: Report) -> str:
    return f"{report.after.passed} of {report.after.total} tests"


def _under(folder: str, path: str) -> str:
    return str(PurePosixPath(folder or ".") / path)


def _changed_lines(patch: str) -> Iterator[tuple[str, int, int]]:
    """Path, first and last old line that each hunk of a unified diff changes."""
    path, line, changed = "", 0, list[int]()
    for row in [*patch.splitlines(), "@@ end"]:
        if row.startswith(("@@", "--- ")) and changed:
            yield path, max(1, changed[0]), max(1, changed[-1])
            changed = []
        if row.startswith("+++ b/"):
            path = row[6:].split("\t")[0]
        elif match := _HUNK.match(row):
            line = int(match[1])
        elif row.startswith("-") and not row.startswith("--- "):
            changed.append(line)
            line += 1
        elif row.startswith("+"):
            # In the place of removed lines it changes those; elsewhere, the line that it precedes.
            changed += [] if changed and changed[-1] == line - 1 else [line]
        elif row.startswith(" "):
            line += 1


def _command(level: str, path: str, first: int, last: int, title: str, text: str) -> str:
    facts = {"file": path, "line": str(first), "endLine": str(last), "title": f"locum: {title}"}
    given = ",".join(f"{name}={_property(value)}" for name, value in facts.items())
    return f"::{level} {given}::{_data(one_line(text, 500))}"


def _data(text: str) -> str:
    """Nothing in a text can end the command or begin another one."""
    clean = strip_control(text)
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
