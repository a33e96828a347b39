"""Prompts that outlive a run, on a model whose every token depends on all before it."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from fake_core import FakeCore, Letters, greedy

from runtime.engine_api import Cancellation, Generated, Generation, Segment
from runtime.generation import GenerationJob
from runtime.lane import Lane
from runtime.measures import Measures
from runtime.prefix_cache import PrefixCache
from runtime.prefix_files import BLOCK, PrefixFiles
from runtime.scheduler import Scheduler

CONTEXT = 800


class Run:
    """A scheduler with nothing in memory."""

    def __init__(self, folder: Path, capacity: int) -> None:
        self.files = PrefixFiles(folder, capacity, "the model")
        self.measures = Measures()
        self.lanes: list[Lane] = []
        self.scheduler = Scheduler(
            self._lane(exclusive=False), lambda: self._lane(exclusive=True), 8, self.measures
        )

    def ask(self, text: str, owner: str, *, deterministic: bool = False) -> Generated:
        request = Generation(
            [Segment(text)], max_tokens=8, owner=owner, deterministic=deterministic
        )
        job = GenerationJob(Letters(), CONTEXT, request, None, self.measures)
        return self.scheduler.run(job, Cancellation(), owner=owner, exclusive=deterministic)

    @property
    def from_disk(self) -> int:
        return sum(lane.disk_tokens for lane in self.lanes)

    def _lane(self, *, exclusive: bool) -> Lane:
        core = FakeCore(context=CONTEXT, cells=2000)
        self.lanes.append(Lane(core, PrefixCache(1 << 16), exclusive=exclusive, files=self.files))
        return self.lanes[-1]


Start = Callable[..., AbstractContextManager[Run]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    @contextmanager
    def run(capacity: int = 1 << 20) -> Iterator[Run]:
        made = Run(tmp_path / "prompts", capacity)
        yield made
        made.scheduler.close()
        made.files.settle(60)

    return run


def expected(text: str) -> str:
    letters = Letters()
    tokens = greedy(letters.tokenize(text, special=False), 8)
    return b"".join(letters.piece(token) for token in tokens).decode()


def text(seed: int, length: int) -> str:
    dice = random.Random(seed)
    return "".join(dice.choice("abcdefghij") for _ in range(length))


def test_only_what_is_asked_for_again_outlives_the_run(start: Start) -> None:
    once, twice = text(1, 500), text(2, 500)
    with start() as run:
        for asked in (once, twice, twice):
            run.ask(asked, "ann")
        assert run.from_disk == 0
    with start() as run:
        run.ask(once, "ann")
        assert run.from_disk == 0
        assert run.ask(twice, "ann").samples[0].text == expected(twice)
        assert run.from_disk == 3 * BLOCK, "and the end of a prompt is always run again"
        run.ask(twice, "ann")
        assert run.from_disk == 3 * BLOCK, "it is in memory now"


@pytest.mark.parametrize(("owner", "deterministic"), [("bob", False), ("", False), ("ann", True)])
def test_whose_and_how_it_was_asked_tells_them_apart(
    start: Start, owner: str, deterministic: bool
) -> None:
    asked = text(3, 500)
    with start() as run:
        for _ in range(2):
            run.ask(asked, "ann")
    with start() as run:
        answer = run.ask(asked, owner, deterministic=deterministic)
        assert answer.samples[0].text == expected(asked)
        assert run.from_disk == 0


def test_answers_are_right_whatever_is_on_disk(start: Start, tmp_path: Path) -> None:
    dice = random.Random(5)
    beginnings = [text(seed, 300) for seed in (1, 2)]
    found = 0
    for _ in range(6):
        with start(capacity=12_000) as run:
            for _ in range(12):
                asked = dice.choice(beginnings)[: dice.choice([200, 300])]
                asked += text(dice.randrange(3), 150)
                owner, deterministic = dice.choice(["ann", "bob"]), dice.random() < 0.3
                answer = run.ask(asked, owner, deterministic=deterministic)
                assert answer.samples[0].text == expected(asked)
            found += run.from_disk
        files = sorted((tmp_path / "prompts").glob("*.cells"))
        assert sum(file.stat().st_size for file in files) <= 12_000
        for file in dice.sample(files, k=min(2, len(files))):
            content = file.read_bytes()
            file.write_bytes(content[: dice.randrange(len(content))])
    assert found > 0
