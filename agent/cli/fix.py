"""`agent fix` and `agent resume`: one run, watched from a terminal or from CI."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from agent import tasks
from agent.cli import outputs, settings
from agent.cli.watch import watch
from agent.errors import Unusable
from agent.repair.reports import MAX_REPORT
from agent.state import Goal, Scope
from tools.text import head_and_tail, strip_control

MOST_OF_ISSUE = 1_000_000
"""Bytes of a bug report that are read at all."""


@click.command(
    epilog="""\b
    Examples:
      agent fix .                          look, mend, ask before anything is changed
      agent fix . --dry-run --patch p.diff only write the patch
      agent fix . --yes --only bugs        unattended, nothing but failing tests
      agent fix . --branch fix/total --pr  commit beside your checkout, open a pull request
      agent fix . --issue report.txt       go by a bug report, test or no test
    """
)
@click.argument("path", type=click.Path())
@settings.options
@click.option("--yes", is_flag=True, help="Apply the verified patch without asking.")
@click.option("--dry-run", is_flag=True, help="Never apply; write patch and summary.")
@click.option("--branch", metavar="NAME", help="Commit on this new branch, not in your checkout.")
@click.option("--pr", is_flag=True, help="Push that branch and open a pull request (gh or glab).")
@click.option(
    "--only",
    type=click.Choice([Scope.BUGS.value, Scope.ALL.value]),
    help="bugs: nothing but failing tests. all: also duplication and style in the whole tree. "
    "Default: those two only in files that the failing tests run.",
)
@click.option("--issue", metavar="FILE", help="A bug report to go by; - for standard input.")
@click.option(
    "--candidates",
    type=click.IntRange(1, 20),
    show_default="1",
    help="Show so many of the edits that pass the tests, the chosen one included.",
)
@click.option("--escalate", metavar="URL", help="Send code there when all else has failed.")
@click.option("--escalate-model", metavar="NAME", help="Default: its first.")
@click.option("--allow-plain-http", is_flag=True, help="Let --escalate be unencrypted.")
@outputs.options
@click.pass_context
def fix(
    ctx: click.Context,
    /,
    path: str,
    yes: bool,
    dry_run: bool,
    branch: str | None,
    pr: bool,
    issue: str | None,
    allow_unsandboxed: bool,
    **wanted: Any,
) -> None:
    """Find out why the tests of PATH fail, mend it, and prove the mend.

    What no option says comes from the environment, the repository's locum.toml or your own
    configuration; `agent config show PATH` says which.

    Exit status: 0 all tests pass now; 1 some still fail; 2 the request or the repository is
    unusable; 3 there is a patch and not all of it was applied; 4 the model or the runtime failed;
    130 interrupted.
    """
    from agent import runner

    if yes and dry_run:
        raise click.UsageError("--yes and --dry-run exclude each other; give one of them.")
    if dry_run and (branch or pr):
        raise click.UsageError("--dry-run commits nothing; leave --branch and --pr away.")
    chosen = settings.resolved(ctx, path)
    task = tasks.task(
        path,
        chosen,
        settings.approval(yes, dry_run, chosen["approve"]),
        Goal.FIX,
        issue=_read_issue(issue),
        allow_unsandboxed=allow_unsandboxed,
        branch=branch or (time.strftime("locum/fix-%Y%m%d-%H%M%S") if pr else ""),
        pull_request=pr,
    )
    ctx.exit(watch(runner.start(task), wanted))


@click.command()
@settings.run_argument
@outputs.options
@click.pass_context
def resume(ctx: click.Context, /, run_id: str, **wanted: Any) -> None:
    """Go on with RUN from where it was interrupted. The exit status is that of `agent fix`."""
    from agent import runner

    ctx.exit(watch(runner.resume(run_id), wanted))


def _read_issue(source: str | None) -> str:
    """The text of the report, cut to what is read of it; raises Unusable when it has none."""
    if source is None:
        return ""
    if source == "-":
        data = sys.stdin.buffer.read(MOST_OF_ISSUE)
    else:
        with Path(source).open("rb") as file:
            data = file.read(MOST_OF_ISSUE)
    text = strip_control(data.decode("utf-8", errors="replace"))
    name = "Standard input" if source == "-" else source
    if not text.strip():
        raise Unusable(f"{name} holds no text; give a bug report with --issue.")
    if text.count("\ufffd") > len(text) // 10:
        raise Unusable(f"{name} is not text in UTF-8; give a bug report with --issue.")
    return head_and_tail(text, MAX_REPORT)
