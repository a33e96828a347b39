"""What a run looks like at one moment: the events so far, folded. Knows nothing of the screen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from agent import events as ev
from tui.view_parts import Attempt, Group, Phase, Speech, Spent

if TYPE_CHECKING:
    from agent.state import PlanItem

PHASES = ("plan", "edit", "verify", "approve", "summary")
GROUPS_KEPT = 60
"""Groups of tool calls that are kept; the run's record has them all."""
RATE_WINDOW = 5.0
"""Seconds over which candidates a second are counted."""


class RunView:
    """Folds events, given with the seconds (of any clock) at which they came."""

    def __init__(self) -> None:
        self.started: ev.RunStarted | None = None
        self.began = 0.0
        self.now = 0.0
        self.doing, self.doing_since = "Starting", 0.0
        self.phase = ""
        self.phases = {name: Phase(name) for name in PHASES}
        self.items: dict[int, PlanItem] = {}
        self.dropped: tuple[str, ...] = ()
        self.before: ev.TestsFinished | None = None
        self.latest: ev.TestsFinished | None = None
        self.progress: ev.TestsProgress | None = None
        self.attempts: dict[tuple[int, int], Attempt] = {}
        self.log: deque[Group] = deque(maxlen=GROUPS_KEPT)
        self.call_count = 0
        self.warnings: list[str] = []
        """Not yet taken by the screen."""
        self.speech = Speech()
        self.spent: dict[str, Spent] = {}
        self.rate = 0.0
        self.request: ev.ModelFinished | None = None
        self.risk = "none"
        self.diff: ev.DiffReady | None = None
        self.applied: ev.Applied | None = None
        self.done: ev.Done | None = None
        self.changed: set[str] = set()
        """Which parts of the screen are out of date; the screen empties it."""
        self._entered = 0.0
        self._groups = 0
        self._left: tuple[float, float] = (0.0, 0.0)
        self._tried: deque[float] = deque()

    # -- what the screen asks -------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        return self.now - self.began if self.started else 0.0

    @property
    def seconds_left(self) -> float:
        """Of the budget, counted down since it was last told."""
        told, at = self._left
        return max(0.0, told - (self.now - at))

    @property
    def attempt(self) -> int:
        return self.phases["edit"].visits

    @property
    def tokens(self) -> int:
        return sum(spent.written for spent in self.spent.values())

    @property
    def cache_hit(self) -> float | None:
        """Share of all prompt tokens that were not computed again; None before the first."""
        prompt = sum(spent.prompt for spent in self.spent.values())
        return sum(spent.cached for spent in self.spent.values()) / prompt if prompt else None

    @property
    def candidates_a_second(self) -> float:
        recent = [at for at in self._tried if at > self.now - RATE_WINDOW]
        return len(recent) / RATE_WINDOW

    def seconds_in(self, name: str) -> float:
        """Spent in a phase, the visit that lasts included."""
        lasting = self.now - self._entered if name == self.phase and self.done is None else 0.0
        return self.phases[name].seconds + lasting

    def state_of(self, name: str) -> str:
        """`done`, `active` or `waiting`."""
        if self.done is not None:
            return "done" if self.phases[name].visits else "waiting"
        if name == self.phase:
            return "active"
        return "done" if self.phases[name].visits else "waiting"

    def board(self) -> list[Attempt]:
        """Survivors by rank, then those that turned most tests green, the latest first."""

        def order(one: Attempt) -> tuple[bool, int, float, int, int]:
            event = one.event
            share = event.passed / event.total if event.total else 0.0
            return (not event.survived, one.rank or 1_000_000, -share, -event.item, -event.number)

        return sorted(self.attempts.values(), key=order)

    # -- what happened --------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Time went on without an event."""
        self.now = max(self.now, now)

    def apply(self, event: ev.Event, at: float) -> None:
        self.tick(at)
        self.changed.add("status")
        match event:
            case ev.RunStarted():
                self._start(event)
            case ev.PhaseStarted():
                self._enter(event)
            case ev.Doing():
                self._do(event.text)
            case ev.Note():
                self._note(event)
            case ev.RiskRaised():
                self.risk = "high" if event.high or self.risk == "high" else "raised"
            case ev.BudgetChanged():
                self._left = (event.seconds_left, self.now)
            case ev.TestsProgress():
                self._run_tests(event)
            case ev.TestsFinished():
                self._tests(event)
            case ev.PlanReady():
                self.items = {item.number: item for item in event.items}
                self.dropped = event.dropped
                self.changed.add("plan")
            case ev.ItemFinished():
                self.items[event.item.number] = event.item
                self.changed.add("plan")
            case ev.ToolCalled():
                self._call(event)
            case ev.Token() | ev.ModelProgress() | ev.ModelFinished():
                self._model(event)
            case ev.CandidateTried() | ev.SurvivorsRanked():
                self._candidate(event)
            case ev.DiffReady():
                self.diff = event
                self.changed.add("diff")
            case ev.Applied():
                self.applied = event
                self.changed.add("diff")
            case ev.Done():
                self._leave()
                self.done = event
                self.changed |= {"phases", "done"}

    def _start(self, event: ev.RunStarted) -> None:
        self.started = event
        self.began = self.now - event.seconds_spent
        self._left = (event.budget_seconds - event.seconds_spent, self.now)
        self.changed |= {"phases", "plan"}

    def _note(self, event: ev.Note) -> None:
        if event.level == "warning":
            self.warnings.append(event.text)
        self._group(event.level == "info").note = event.text

    def _call(self, event: ev.ToolCalled) -> None:
        self.call_count += 1
        well = event.ok and event.verdict == "allow"
        last = self.log[-1] if self.log else None
        if last is None or not (well and last.well and last.calls and last.phase == self.phase):
            last = self._group(well)
        last.add(event)
        self.changed.add("tools")

    def _group(self, well: bool) -> Group:
        self._groups += 1
        self.log.append(Group(self._groups, self.phase, well))
        self.changed.add("tools")
        return self.log[-1]

    def _do(self, text: str) -> None:
        if text != self.doing:
            self.doing, self.doing_since = text, self.now
        self.changed.add("doing")

    def _enter(self, event: ev.PhaseStarted) -> None:
        self._leave()
        self.phase, self._entered = event.phase, self.now
        phase = self.phases[event.phase]
        phase.visits += 1
        phase.detail = event.detail
        self._do(event.detail or f"The {event.phase} phase has begun")
        self.changed.add("phases")

    def _leave(self) -> None:
        if self.phase:
            self.phases[self.phase].seconds += self.now - self._entered
        self._entered = self.now

    def _run_tests(self, event: ev.TestsProgress) -> None:
        self.progress = event
        self._do("Running the tests")
        self.changed.add("tests")

    def _tests(self, event: ev.TestsFinished) -> None:
        if self.before is None:
            self.before = event
        self.latest, self.progress = event, None
        self.changed.add("tests")

    def _model(self, event: ev.Token | ev.ModelProgress | ev.ModelFinished) -> None:
        match event:
            case ev.Token():
                self.speech.waiting.append(event.text)
                self.speech.open = True
                self.changed.add("speech")
            case ev.ModelProgress():
                self.rate = event.rate
                self._do(f"The model writes ({event.purpose}): {event.tokens} tokens")
            case ev.ModelFinished():
                self._answered(event)

    def _answered(self, event: ev.ModelFinished) -> None:
        spent = self.spent.setdefault(event.purpose, Spent())
        spent.requests += 1
        spent.prompt += event.prompt_tokens
        spent.cached += event.cached_tokens
        spent.written += event.completion_tokens
        spent.seconds += event.seconds
        if self.phase:
            self.phases[self.phase].tokens += event.completion_tokens
        if event.seconds > 0 and event.completion_tokens:
            self.rate = event.completion_tokens / event.seconds
        self.request = event
        if self.speech.open:
            self.speech.waiting.append(
                f"\n\n*{event.purpose}: {event.completion_tokens} tokens "
                f"in {event.seconds:.1f} s*\n\n"
            )
            self.speech.open = False
            self.changed.add("speech")
        self.changed.add("phases")

    def _candidate(self, event: ev.CandidateTried | ev.SurvivorsRanked) -> None:
        self.changed.add("board")
        if isinstance(event, ev.SurvivorsRanked):
            reasons = event.reasons or ("",) * len(event.numbers)
            for rank, (number, reason) in enumerate(zip(event.numbers, reasons, strict=True), 1):
                if (one := self.attempts.get((event.item, number))) is not None:
                    one.rank, one.reason = rank, reason
            return
        self.attempts[event.item, event.number] = Attempt(event)
        self._left = (event.seconds_left, self.now)
        self._tried.append(self.now)
        while self._tried[0] < self.now - RATE_WINDOW:
            self._tried.popleft()
