"""A second turn of a bug begins where its first one was cut off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from agent import searching
from agent.deps import Deps


@pytest.mark.parametrize(
    ("untested", "spent", "following"),
    [(True, 100.0, 3), (True, 99.0, 4), (False, 100.0, 4), (False, 99.0, 4)],
)
def test_a_round_that_time_cut_off_is_gone_on_with(
    untested: bool, spent: float, following: int
) -> None:
    deps = SimpleNamespace(
        budget=SimpleNamespace(seconds_spent=spent), task=SimpleNamespace(budget_seconds=300.0)
    )
    state = {"round": 3, "until": 100.0}
    assert searching.next_round(cast(Deps, deps), state, untested=untested) == following
