"""What a run has used of its model."""

from __future__ import annotations

from dataclasses import dataclass

from agent.record import Record, read
from runtime.client import Usage


@dataclass
class Totals:
    """Tokens and requests of a run, and the seconds that it waited for their answers."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    requests: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, record: Record) -> Totals:
        """What the run's earlier sessions used, by their record."""
        totals = cls()
        for entry in read(record.path):
            if entry["kind"] == "model":
                totals.add(Usage(**entry["data"]["usage"]), entry["data"]["seconds"])
        return totals

    def add(self, usage: Usage, seconds: float) -> None:
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cached_tokens += usage.cached_tokens
        self.requests += 1
        self.seconds += seconds
