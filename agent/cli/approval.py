"""The approval screen: what would be changed, where, why and on what evidence; then a choice."""

from __future__ import annotations

from collections.abc import Sequence

import click

from agent.approval import ApprovalAnswer, ApprovalRequest, Change
from tools.redaction import redact
from tools.text import one_line

ONCE, ALWAYS, NO = "once", "always", "no"
_SHOWN = 200


def ask(request: ApprovalRequest) -> ApprovalAnswer:
    """Source files are asked about together, each file that steers how code is run by itself.

    Once: these files. Always: these and whatever else this run asks for. No: not these.
    """
    where = f" (on the new branch {request.branch})" if request.branch else ""
    _say(f"To be changed in {request.tree}{where}:")
    for line in request.evidence:
        _say(f"  {line}")
    for line in request.risks:
        _say(f"  RISK: {line}")
    approved: list[str] = []
    answer = ""
    for group in _groups(request.changes):
        for change in group:
            _show(change)
        if answer != ALWAYS:
            answer = _choose(group)
        if answer != NO:
            approved += [change.file for change in group]
    if len(approved) == len(request.files):
        return ApprovalAnswer(True)
    return ApprovalAnswer(bool(approved), "It was not approved.", tuple(approved))


def _groups(changes: Sequence[Change]) -> list[list[Change]]:
    together = [change for change in changes if not change.apart]
    return [*([together] if together else []), *([c] for c in changes if c.apart)]


def _show(change: Change) -> None:
    _say(f"  {change.target}: {change.why}")
    for line in change.what:
        _say(f"    {line}")


def _choose(group: Sequence[Change]) -> str:
    what = "this patch" if not group[0].apart else one_line(group[0].file, 80)
    said = click.prompt(
        f"Apply {what}? once, always (in this run), no",
        type=click.Choice([ONCE, ALWAYS, NO]),
        default=NO,
        show_choices=False,
        err=True,
    )
    return str(said)


def _say(text: str) -> None:
    click.echo(one_line(redact(text), _SHOWN), err=True)
