"""A run's risk: raised by signals in what the model is shown, told at once, never lowered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.events import Event, Note, RiskRaised
from agent.record import Record, read
from tools.policy import Policy
from tools.risk import Signal

RISK = "risk"
"""Kind of the record's entries, and of the fact that lists them for the report."""
HELD = "held"
"""The fact that says why no patch is applied without a person; empty while one may be."""


class Alarm:
    """Called with each new kind of signal.

    A high one makes the run read-only towards all that outlives it: the model loses every tool that
    changes something, and the patch is left to a person at the terminal, whatever the run was told
    before, for who said `--yes` had not seen this. The search goes on in its own copy: no text
    chooses what it writes there, what it runs was confined before, and if it stopped, one comment
    in a repository could keep every bug in it from being mended.
    """

    def __init__(
        self, policy: Policy, record: Record, emit: Callable[[Event], None], facts: dict[str, Any]
    ) -> None:
        """`facts` gets the reasons; signals of the run's earlier sessions count on."""
        self._policy, self._record, self._emit = policy, record, emit
        self._facts = facts
        facts.update({RISK: [], HELD: ""})
        for entry in read(record.path):
            if entry["kind"] == RISK:
                self._raise(entry["data"]["text"], high=entry["data"]["high"])

    def __call__(self, signal: Signal) -> None:
        text = f"What the model reads holds {signal.kind.value}: {signal.excerpt}"
        self._record.write(RISK, text=text, signal=signal.kind.name.lower(), high=signal.high)
        self._emit(Note(text=text, level="warning"))
        self._emit(RiskRaised(high=signal.high))
        self._raise(text, high=signal.high)

    def _raise(self, text: str, *, high: bool) -> None:
        self._facts[RISK] = [*self._facts[RISK], text]
        if high and not self._facts[HELD]:
            self._policy.downgrade(text)
            self._facts[HELD] = (
                "Text of the repository tries to steer the model, so a person has to look at the "
                "patch and apply it."
            )
