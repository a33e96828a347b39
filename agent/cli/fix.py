"""`agent fix` and `agent resume`: one run, watched from a terminal or from CI."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import outputs
from agent.errors import Unusable
from agent.repair.reports import MAX_REPORT
from agent.state import Approval, Scope, Task
from runtime.models import DEFAULT_MODEL
from tools.text import head_and_tail, strip_control

if TYPE_CHECKING:
    from agent.events import Done

MOST_OF_ISSUE = 1_000_000
"""Bytes of a bug report that are read at all."""

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """`90`, `90s`, `5m`, `1h`: a length of time in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(value).strip())
        if match is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is not a length of time; write 90s, 5m or 1h.", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


@click.command()
@click.argument("path", type=click.Path())
@click.option("--test-cmd", metavar="CMD", help="How to run the tests; default: found out.")
@click.option("--budget", type=Duration(), default=300.0, show_default="5m", help="Time to spend.")
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
    default=1,
    show_default=True,
    help="Show so many of the edits that pass the tests, the chosen one included.",
)
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Model id or GGUF file.")
@click.option("--endpoint", metavar="URL", help="Use this OpenAI-compatible server (…/v1).")
@click.option("--escalate", metavar="URL", help="Send code there when all else has failed.")
@click.option("--escalate-model", metavar="NAME", default="", help="Default: its first.")
@click.option("--allow-plain-http", is_flag=True, help="Let --escalate be unencrypted.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--allow-unsandboxed", is_flag=True, help="Run the tests even without a sandbox.")
@outputs.options
@click.pass_context
def fix(
    ctx: click.Context,
    /,
    path: str,
    test_cmd: str | None,
    budget: float,
    yes: bool,
    dry_run: bool,
    branch: str | None,
    pr: bool,
    only: str | None,
    issue: str | None,
    candidates: int,
    model: str,
    endpoint: str | None,
    escalate: str | None,
    escalate_model: str,
    allow_plain_http: bool,
    seed: int,
    allow_unsandboxed: bool,
    **wanted: Any,
) -> None:
    """Find out why the tests of PATH fail, mend it, and prove the mend.

    Exit status: 0 all tests pass now; 1 some still fail; 2 the request or the repository is
    unusable; 3 there is a patch and not all of it was applied; 4 the model or the runtime failed;
    130 interrupted.
    """
    from agent import runner

    if yes and dry_run:
        raise click.UsageError("--yes and --dry-run exclude each other; give one of them.")
    if dry_run and (branch or pr):
        raise click.UsageError("--dry-run commits nothing; leave --branch and --pr away.")
    task = Task(
        path=str(Path(path).resolve()),
        test_command=test_cmd,
        budget_seconds=budget,
        approval=_approval(yes, dry_run),
        scope=Scope(only) if only else Scope.TOUCHED,
        issue=_read_issue(issue),
        candidates=candidates,
        model=model,
        endpoint=endpoint,
        escalate=escalate,
        escalate_model=escalate_model,
        allow_plain_http=allow_plain_http,
        seed=seed,
        allow_unsandboxed=allow_unsandboxed,
        branch=branch or (time.strftime("locum/fix-%Y%m%d-%H%M%S") if pr else ""),
        pull_request=pr,
    )
    ctx.exit(_watch(runner.start(task), wanted))


@click.command()
@click.argument("run_id", metavar="RUN")
@outputs.options
@click.pass_context
def resume(ctx: click.Context, /, run_id: str, **wanted: Any) -> None:
    """Go on with RUN from where it was interrupted. The exit status is that of `agent fix`."""
    from agent import runner

    ctx.exit(_watch(runner.resume(run_id), wanted))


def _approval(yes: bool, dry_run: bool) -> Approval:
    if yes:
        return Approval.YES
    if dry_run:
        return Approval.DRY_RUN
    if os.environ.get("CI", "").lower() in ("true", "1"):
        return Approval.CI
    return Approval.ASK if sys.stdin.isatty() and sys.stdout.isatty() else Approval.NOBODY


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


def _watch(run: Any, wanted: dict[str, Any]) -> int:
    """Show the run's events to its end and write what was asked for; the exit status."""
    from agent.cli.progress import Progress
    from agent.events import Done

    progress = Progress(run.id, quiet=wanted["quiet"], verbose=wanted["verbose"])
    done: Done | None = None
    try:
        with progress:
            for event in run.events(progress.approve):
                progress.show(event)
                done = event if isinstance(event, Done) else done
    except KeyboardInterrupt:
        click.echo(
            f"\nInterrupted; the repository is untouched. `agent resume {run.id}` goes on.",
            err=True,
        )
        return 130
    assert done is not None, "a run that ends without an error ends with Done"
    outputs.write(done, wanted)
    progress.conclude(done)
    if run.task.pull_request:
        _propose(done)
    return done.exit_status


def _propose(done: Done) -> None:
    """Open the pull request that was asked for, or say how; raises NotPublished."""
    from agent import pull_request
    from agent.report import Report

    report = Report.model_validate_json(Path(done.report_path).read_bytes())
    if not report.commit:
        click.echo("No pull request: nothing was committed.", err=True)
        return
    body = Path(done.summary_path)
    made = pull_request.propose(report, body, lambda text: click.echo(text, err=True))
    if made.url:
        click.echo(f"Pull request: {made.url}", err=True)
        return
    click.echo(
        f"No pull request was opened: {made.why}. To open it, with {body} as text:", err=True
    )
    for command in made.commands:
        click.echo(f"  {command}", err=True)
