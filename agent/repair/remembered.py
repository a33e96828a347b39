"""Questions about branches that were asked before in the same run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agent.repair.branch import Brancher
from runtime.client import Branch


class Remembered:
    """A Brancher that asks its model each question once.

    A bug's second turn begins like its first one, for the other half of its time: where its code
    has not changed since, the answers, which are greedy, would be the same.
    """

    def __init__(self, brancher: Brancher) -> None:
        self._brancher = brancher
        self._known: dict[str, Sequence[Branch]] = {}

    def branch(
        self, messages: Sequence[Mapping[str, Any]], forced: str, **options: Any
    ) -> Sequence[Branch]:
        """See `Brancher.branch`; what it raises is not remembered."""
        question = json.dumps([messages, forced, options], sort_keys=True)
        if question not in self._known:
            self._known[question] = self._brancher.branch(messages, forced, **options)
        return self._known[question]
