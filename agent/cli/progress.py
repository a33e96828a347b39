"""A run's events as lines: a live status line in a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.status import Status as Spinner
from rich.syntax import Syntax

from agent import events as ev
from agent.approval import ApprovalAnswer, ApprovalRequest
from agent.cli.approval import ask
from agent.state import Goal, Status
from tools.redaction import redact
from tools.text import one_line, strip_control

PLAIN_EVERY = 2.0
"""Seconds between two progress lines where no line can be overwritten."""

BEGINS = {
    "plan": "Running the tests",
    "edit": "Making candidates",
    "verify": "Trying candidates",
    "approve": "Preparing the patch",
    "summary": "Writing the summary",
}
"""What a phase does first: until it says more, the status line must not tell of what is over."""


class Progress:
    """Writes to standard error, so that standard output carries only the summary."""

    def __init__(self, run_id: str, *, quiet: bool, verbose: bool) -> None:
        self._run_id = run_id
        self._quiet = quiet
        self._verbose = verbose
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._spinner: Spinner | None = None
        self._last_plain = 0.0
        self._tried = 0
        self._started = time.monotonic()
        self._speed = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._quiet:
            self._spinner = self._console.status("Looking at the repository")
            self._spinner.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()

    def show(self, event: ev.Event) -> None:
        match event:
            case ev.RunStarted():
                doing = "Fixing" if event.goal is Goal.FIX else "Looking at"
                word = "Resuming" if event.resumed else doing
                self._line(f"{word} {event.path} (run {event.run_id}, {event.sandbox})")
            case ev.PhaseStarted():
                self._line(f"[{event.phase}] {event.detail}".rstrip())
                self._now(BEGINS.get(event.phase, event.phase))
            case ev.Doing():
                self._status(event.text)
            case ev.Note():
                self._line(event.text)
            case ev.TestsProgress():
                self._status(f"{event.done} of {event.total} tests run")
            case ev.TestsFinished():
                self._line(
                    f"  {event.what}: {event.passed} of {event.total} tests pass "
                    f"({event.seconds:.1f} s)"
                )
                self._now("Looking at the results")
            case ev.PlanReady():
                for item in event.items:
                    self._line(f"  {item.number}. {item.kind.value} in {item.place}: {item.title}")
            case ev.CandidateTried():
                self._candidate(event)
            case ev.ModelProgress():
                self._status(
                    f"model ({event.purpose}): {event.tokens} tokens, {event.rate:.0f} tok/s"
                )
            case ev.ModelFinished():
                self._model(event)
            case ev.ItemFinished():
                self._item(event)
            case ev.DiffReady():
                self._diff(event.diff)
            case ev.Applied():
                self._applied(event)
            case ev.ToolCalled() if self._verbose:
                self._line(f"  {event.caller}: {event.tool} {event.arguments}: {event.verdict}")
            case ev.Token() if self._verbose:
                self._console.print(strip_control(event.text), end="", markup=False)
            case _:
                pass

    def approve(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Ask the person at the terminal; plan and diff were shown by then."""
        if self._spinner is not None:
            self._spinner.stop()
        return ask(request)

    def conclude(self, done: ev.Done) -> None:
        """The summary on standard output, and where everything lies."""
        if self._quiet:
            click.echo(done.headline)
            return
        click.echo(done.summary, nl=False)
        sys.stdout.flush()
        self._line(f"{done.headline}. Summary, patch and report: {done.summary_path[:-10]}")

    def _candidate(self, event: ev.CandidateTried) -> None:
        self._tried += 1
        text = (
            f"candidate {event.number} ({event.strategy}) at {event.path}:{event.line}: "
            f"{event.passed} of {event.total} target tests pass; "
            f"{event.seconds_left:.0f} s of the budget left"
        )
        if event.survived or self._verbose:
            self._line(f"  {text}{' ✓' if event.survived else ''}")
        else:
            self._status(text)

    def _model(self, event: ev.ModelFinished) -> None:
        rate = event.completion_tokens / event.seconds if event.seconds > 0 else 0.0
        self._status(
            f"model ({event.purpose}): {event.prompt_tokens} tokens read, "
            f"{event.completion_tokens} written in {event.seconds:.1f} s, {rate:.0f} tok/s"
        )

    def _item(self, event: ev.ItemFinished) -> None:
        item = event.item
        mark = "✓" if item.status is Status.FIXED else "·"
        note = f": {item.note}" if item.note else ""
        self._line(f"  {mark} {item.number}. {item.kind.value} {item.status.value}{note}")

    def _applied(self, event: ev.Applied) -> None:
        if event.files:
            deed = f"Committed on {event.branch}" if event.branch else "Applied to"
            self._line(f"{deed}{':' * bool(event.branch)} {', '.join(event.files)}")
        if event.left:
            self._line(f"Not applied to {', '.join(event.left)}: {event.reason}")

    def _diff(self, diff: str) -> None:
        if self._quiet or not self._console.is_terminal:
            return
        self._console.print(Syntax(strip_control(diff), "diff", background_color="default"))

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._console.print(one_line(redact(text), 300), markup=False)

    def _now(self, text: str) -> None:
        """For the status line alone; where there is none, the line above says it."""
        if self._spinner is not None:
            self._spinner.update(text)

    def _status(self, text: str) -> None:
        """What is going on now: overwritten in a terminal, thinned out elsewhere."""
        if self._quiet:
            return
        line = one_line(redact(text), 200)
        if self._spinner is not None:
            self._spinner.update(line.replace("[", r"\["))
        elif time.monotonic() - self._last_plain >= PLAIN_EVERY:
            self._last_plain = time.monotonic()
            self._console.print(f"  … {line}", markup=False)
