"""`agent plan` and `agent explain`: what is wrong, and nothing edited."""

from __future__ import annotations

from typing import Any

import click

from agent import tasks
from agent.cli import outputs, settings
from agent.cli.watch import watch
from agent.state import Approval, Goal, Scope


@click.command(
    epilog="""\b
    Examples:
      agent plan .                      what would be mended, and where
      agent plan . --only all           also duplication and style in the whole tree
      agent plan . --sarif plan.sarif   for code scanning and editors
    """
)
@click.argument("path", type=click.Path())
@settings.options
@click.option(
    "--only",
    type=click.Choice([Scope.BUGS.value, Scope.ALL.value]),
    help="bugs: nothing but failing tests. all: also duplication and style in the whole tree.",
)
@outputs.options
@click.pass_context
def plan(ctx: click.Context, /, path: str, allow_unsandboxed: bool, **wanted: Any) -> None:
    """Say what `agent fix` would mend in PATH: failing tests, where they lead, what else.

    Runs the tests and needs no model. Nothing is edited.

    Exit status: 0 all tests pass; 1 some fail; 2 the request or the repository is unusable.
    """
    ctx.exit(_look(ctx, path, Goal.PLAN, allow_unsandboxed, wanted))


@click.command(
    epilog="""\b
    Examples:
      agent explain .                       why do the tests fail?
      agent explain . --test-cmd "pytest tests/test_total.py"
    """
)
@click.argument("path", type=click.Path())
@settings.options
@outputs.options
@click.pass_context
def explain(ctx: click.Context, /, path: str, allow_unsandboxed: bool, **wanted: Any) -> None:
    """Say why the tests of PATH fail: the way to the fault, its values, and the model's words.

    Nothing is edited. Exit status: 0 all tests pass; 1 some fail; 2 the request or the repository
    is unusable; 4 the model or the runtime failed.
    """
    ctx.exit(_look(ctx, path, Goal.EXPLAIN, allow_unsandboxed, wanted, only=Scope.BUGS))


def _look(
    ctx: click.Context,
    path: str,
    goal: Goal,
    unsandboxed: bool,
    wanted: dict[str, Any],
    only: Scope | None = None,
) -> int:
    from agent import runner

    chosen = settings.resolved(ctx, path)
    task = tasks.task(path, chosen, Approval.DRY_RUN, goal, allow_unsandboxed=unsandboxed)
    if only is not None:
        task = task.model_copy(update={"scope": only})
    return watch(runner.start(task), wanted)
