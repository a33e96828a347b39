"""Many clients at once, some of which leave: nothing wrong, nothing stuck, nothing left behind.

LOCUM_LONG_TESTS=1 asks for 2,000 requests (or LOCUM_SOAK_REQUESTS) from 32 clients instead of a
few.
"""

import gc
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from asking import BUG, ask, prompt

from runtime.engine import LlamaEngine, Settings
from runtime.engine_api import (
    BranchQuery,
    Cancellation,
    Cancelled,
    Constraint,
    EngineBusy,
    Generation,
    Sampling,
)

LONG = os.environ.get("LOCUM_LONG_TESTS") == "1"
CLIENTS = 32 if LONG else 4
REQUESTS = int(os.environ.get("LOCUM_SOAK_REQUESTS", "2000")) if LONG else 12
WARM_UP = max(CLIENTS, REQUESTS // 4)
WAIT = 3600
QUESTIONS = tuple(f"Count to {number}. " * 5 for number in range(3, 9 if LONG else 5))
LEAVES = 0.25
LEAK = 0.03


@pytest.fixture(scope="module")
def small(model_file: Callable[[str], Path]) -> Iterator[LlamaEngine]:
    settings = Settings(context=512, slots=32, waiting=CLIENTS, prefix_memory=16 << 20)
    loaded = LlamaEngine(model_file("smollm2-135m"), settings)
    yield loaded
    loaded.close()


class Client:
    """Asks for one thing after the other; ``wrong`` gets every answer that is not the right one."""

    def __init__(
        self, engine: LlamaEngine, right: dict[str, str], seed: int, wrong: list[str]
    ) -> None:
        self._engine = engine
        self._right = right
        self._dice = random.Random(seed)
        self._wrong = wrong
        self.left = self.refused = 0

    def ask(self) -> None:
        """One request, which may be cut off at any time."""
        gone = Cancellation()
        timer = threading.Timer(self._dice.random() * 2, gone.cancel)
        if self._dice.random() < LEAVES:
            timer.start()
        try:
            self._dice.choice([self._exact, self._exact, self._sampled, self._branch, self._form])(
                gone
            )
        except Cancelled:
            self.left += 1
        except EngineBusy:
            self.refused += 1
        finally:
            timer.cancel()

    def _exact(self, gone: Cancellation) -> None:
        question = self._dice.choice(QUESTIONS)
        request = Generation(
            prompt(self._engine, question), max_tokens=10, deterministic=True, owner="exact"
        )
        text = self._engine.generate(request, None, gone).samples[0].text
        if text != self._right[question]:
            self._wrong.append(f"{question!r} was answered with {text!r}")

    def _sampled(self, gone: Cancellation) -> None:
        request = Generation(
            prompt(self._engine, self._dice.choice(QUESTIONS) * 2),
            n=self._dice.choice([1, 3]),
            max_tokens=8,
            sampling=Sampling(temperature=1.0, seed=1),
            owner=self._dice.choice("ab"),
        )
        answer = self._engine.generate(request, None, gone)
        if len(answer.samples) != request.n:
            self._wrong.append("a sample is missing")

    def _branch(self, gone: Cancellation) -> None:
        query = BranchQuery(prompt(self._engine, "Mend it."), BUG, count=6, max_tokens=6)
        if not self._engine.branch(query, gone).branches:
            self._wrong.append("no branches")

    def _form(self, gone: Cancellation) -> None:
        constraint = Constraint("gbnf", 'root ::= "yes" | "no"')
        request = Generation(prompt(self._engine, "Is it?"), max_tokens=6, constraint=constraint)
        text = self._engine.generate(request, None, gone).samples[0].text
        if text not in ("yes", "no"):
            self._wrong.append(f"{text!r} is not of the grammar")


def work(clients: list[Client], requests: int) -> None:
    """Let the clients ask that many times in all."""
    threads = [
        threading.Thread(target=lambda c=client: [c.ask() for _ in range(requests // len(clients))])
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a request is stuck"


def resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@pytest.mark.slow
def test_many_clients_some_of_whom_leave(small: LlamaEngine) -> None:
    right = {
        question: ask(small, question, max_tokens=10, deterministic=True).samples[0].text
        for question in QUESTIONS
    }
    wrong: list[str] = []
    clients = [Client(small, right, seed, wrong) for seed in range(CLIENTS)]
    work(clients, WARM_UP)
    before = resident()
    work(clients, REQUESTS)
    state = small.state()
    assert wrong == []
    assert (state.running, state.waiting, state.reserved_cells) == (0, 0, 0)
    assert state.prefix_bytes <= state.prefix_capacity
    assert state.measures.cancelled == sum(client.left for client in clients)
    assert state.measures.refused == sum(client.refused for client in clients)
    if LONG:
        assert resident() <= before * (1 + LEAK)
        assert state.measures.cancelled > 0
