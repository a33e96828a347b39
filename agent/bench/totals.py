"""All results of a benchmark in one value, for the table and the JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from agent.bench.results import Grade, Miss, Result


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Policy(_Value):
    """How often one way of choosing among survivors is right."""

    name: str
    right: int
    overfits: int

    @property
    def plausible(self) -> int:
        return self.right + self.overfits


class StrategyTotals(_Value):
    name: str
    ran: int
    survivors: int
    tasks_with_survivor: int
    tasks_won: int
    """It made an accepted edit of the task's mend."""
    tasks_right: int
    """Those of them where the mend is right."""
    test_seconds: float


class Totals(_Value):
    """Over all sound tasks. Seconds are wall clock."""

    tasks: int
    right: int
    plausible: int
    overfits: int
    failed: int
    unsound: int
    without_hidden: int
    """Tasks where nothing is hidden, so that plausible counts as right."""
    median_seconds: float | None
    p90_seconds: float | None
    """To a verified fix, over the plausible tasks; the nearest rank."""
    run_seconds: float
    plan_seconds: float
    model_seconds: float
    test_seconds: float
    """Of all runs together, like `run_seconds`; the plan's contain some of the other two."""
    verify_seconds: float
    """In which candidates were tried: the part of the test time that the search spent."""
    prompt_tokens: int
    completion_tokens: int
    ran: int
    candidates_per_second: float | None
    """Candidates that ran, by the seconds that their test runs took."""
    several_survivors: int
    """Tasks with one bug and several different survivors: there the policies can differ."""
    policies: tuple[Policy, ...]
    strategies: tuple[StrategyTotals, ...]
    misses: dict[str, int]
    """Tasks that are not right, by what went wrong first."""
    with_reference: int
    """Tasks of which it is known what the right mend changes."""
    localised: int
    """Those of them where that is among the suspects; `localised_first`: where it is the first."""
    localised_first: int
    kinds: dict[str, tuple[int, int]]
    """By kind of bug: tasks that are right, and tasks."""


def total(results: Sequence[Result]) -> Totals:
    sound = [result for result in results if result.grade is not Grade.UNSOUND]
    grades = Counter(result.grade for result in sound)
    times = sorted(r.seconds_to_fix for r in sound if r.plausible and r.seconds_to_fix is not None)
    verify = sum(given.test_seconds for r in sound for given in r.strategies.values())
    misses = Counter(result.miss for result in sound)
    ran = sum(result.ran for result in sound)
    return Totals(
        tasks=len(sound),
        right=grades[Grade.RIGHT],
        plausible=grades[Grade.RIGHT] + grades[Grade.OVERFITS],
        overfits=grades[Grade.OVERFITS],
        failed=grades[Grade.FAILED],
        unsound=len(results) - len(sound),
        without_hidden=sum(r.grade is not Grade.FAILED and r.hidden[1] == 0 for r in sound),
        median_seconds=_rank(times, 0.5),
        p90_seconds=_rank(times, 0.9),
        run_seconds=round(sum(result.seconds for result in sound), 1),
        plan_seconds=round(sum(result.plan_seconds for result in sound), 1),
        model_seconds=round(sum(result.model_seconds for result in sound), 1),
        test_seconds=round(sum(result.test_seconds for result in sound), 1),
        verify_seconds=round(verify, 1),
        prompt_tokens=sum(result.prompt_tokens for result in sound),
        completion_tokens=sum(result.completion_tokens for result in sound),
        ran=ran,
        candidates_per_second=round(ran / verify, 1) if verify else None,
        several_survivors=sum(result.survivors_judged > 1 for result in sound),
        policies=(
            _policy("ranked (what is applied)", sound, lambda _: None),
            _policy("first survivor", sound, lambda r: r.first_right),
            _policy("best possible ranking", sound, lambda r: r.any_right),
        ),
        strategies=_strategies(sound),
        misses={miss.value: misses[miss] for miss in Miss if misses[miss]},
        with_reference=sum(result.has_reference for result in sound),
        localised=sum(result.rank is not None for result in sound),
        localised_first=sum(result.rank == 1 for result in sound),
        kinds=_kinds(sound),
    )


def _policy(
    name: str, results: Sequence[Result], choice: Callable[[Result], bool | None]
) -> Policy:
    """`choice` says whether a task would be right; None where nothing would be different."""
    right = overfits = 0
    for result in results:
        chosen = choice(result)
        is_right = result.grade is Grade.RIGHT if chosen is None else chosen
        right += is_right
        overfits += not is_right and (result.plausible or chosen is not None)
    return Policy(name=name, right=right, overfits=overfits)


def _strategies(results: Sequence[Result]) -> tuple[StrategyTotals, ...]:
    names = dict.fromkeys(name for result in results for name in result.strategies)
    return tuple(_strategy(name, results) for name in names)


def _strategy(name: str, results: Sequence[Result]) -> StrategyTotals:
    own = [result.strategies[name] for result in results if name in result.strategies]
    won = [result for result in results if name in result.winners and result.plausible]
    return StrategyTotals(
        name=name,
        ran=sum(given.ran for given in own),
        survivors=sum(given.survivors for given in own),
        tasks_with_survivor=sum(given.survivors > 0 for given in own),
        tasks_won=len(won),
        tasks_right=sum(result.grade is Grade.RIGHT for result in won),
        test_seconds=round(sum(given.test_seconds for given in own), 1),
    )


def _kinds(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    every = Counter(kind for result in results for kind in result.kinds)
    right = Counter(
        kind for result in results if result.grade is Grade.RIGHT for kind in result.kinds
    )
    return {kind: (right[kind], count) for kind, count in sorted(every.items())}


def _rank(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share of the sorted values does not exceed."""
    return values[math.ceil(share * len(values)) - 1] if values else None
