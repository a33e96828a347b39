"""Guesses from the prompt: they save work and change nothing."""

import numpy as np
from fake_core import FakeCore, Letters, row
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.core import Entry
from runtime.drafts import MARGIN, Drafts, certain
from runtime.engine_api import Cancellation, Generated, Generation, Segment
from runtime.generation import GenerationJob
from runtime.lane import Lane
from runtime.measures import Measures
from runtime.prefix_cache import PrefixCache
from runtime.sampling import Logits
from runtime.scheduler import Scheduler


class CopyingCore(FakeCore):
    """Writes what stood behind the same six tokens before, and, unless ``steady``, now and then
    something else or something close to it."""

    steady = False

    def decode(self, entries: list[Entry]) -> list[Logits]:  # type: ignore[override]
        super().decode(entries)
        return [self._copy(entry) for entry in entries if entry.wanted]

    def _copy(self, entry: Entry) -> Logits:
        cells = self.held[entry.sequence]
        tokens = [cells[at] for at in range(entry.position + 1)]
        logits = row(tokens)
        if self.steady or logits[5] < 5.5:
            for at in range(len(tokens) - 2, 5, -1):
                if tokens[at - 5 : at + 1] == tokens[-6:]:
                    logits[tokens[at + 1]] = logits.max() + (
                        9 if self.steady or logits[6] < 4.5 else 0.5
                    )
                    break
        return logits


def run(text: str, count: int, *, speculate: bool, steady: bool = False) -> tuple[Generated, int]:
    core = CopyingCore(context=600)
    core.steady = steady
    scheduler = Scheduler(
        Lane(core, PrefixCache(0)), lambda: Lane(core, PrefixCache(0)), 4, Measures()
    )
    request = Generation([Segment(text)], max_tokens=count)
    job = GenerationJob(Letters(), 600, request, None, Measures(), speculate=speculate)
    try:
        return scheduler.run(job, Cancellation()), len(core.batches)
    finally:
        scheduler.close()


@settings(max_examples=25, deadline=None)
@given(st.text("abcdef", min_size=1, max_size=20), st.integers(1, 12), st.integers(1, 150))
def test_the_answer_is_the_same_with_and_without_guesses(text: str, times: int, count: int) -> None:
    with_guesses, _ = run(text * times, count, speculate=True)
    without, _ = run(text * times, count, speculate=False)
    assert with_guesses.samples == without.samples
    assert without.accepted_drafts == 0


def test_copying_takes_fewer_batches() -> None:
    text = "the quick brown fox jumps over the lazy dog and does it again; " * 3
    guessed, few = run(text, 200, speculate=True, steady=True)
    _, many = run(text, 200, speculate=False, steady=True)
    assert guessed.accepted_drafts > 100
    assert few < many / 3


def test_wrong_guesses_stop_for_a_while() -> None:
    drafts = Drafts([1, 2, 3, 4, 5, 6, 7, 8, 9] * 2)
    assert drafts.propose(5) == [1, 2, 3, 4, 5]
    drafts.judge(5, 0)
    assert drafts.propose(5) == []
    drafts.follow([1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert drafts.propose(3) == [1, 2, 3]


def test_right_guesses_grow() -> None:
    drafts = Drafts(list(range(100)) + list(range(50)))
    first = drafts.propose(99)
    drafts.judge(len(first), len(first))
    assert len(drafts.propose(99)) > len(first)


def test_what_is_too_close_to_call_is_not_certain() -> None:
    assert certain(np.array([0, MARGIN + 0.1, 0], dtype=np.float32))
    assert not certain(np.array([0, MARGIN - 0.1, 0], dtype=np.float32))
    assert not certain(np.array([3, 3], dtype=np.float32))
