"""Requests that share batches, on a model whose every token depends on all before it."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from fake_core import FakeCore, Letters, greedy, row

from runtime.core import ROWS, Entry
from runtime.engine_api import (
    Cancellation,
    Cancelled,
    EngineBusy,
    EngineError,
    Generated,
    Generation,
    PromptTooLong,
    Segment,
)
from runtime.generation import GenerationJob
from runtime.lane import SHARED_CHUNK, Lane
from runtime.measures import Measures
from runtime.prefix_cache import PrefixCache
from runtime.sampling import log_normaliser
from runtime.scheduler import Scheduler
from runtime.scoring import RateJob, ScoreJob

WAIT = 60


class Bench:
    """A scheduler on fake cores."""

    def __init__(self, waiting: int = 64, **shape: int) -> None:
        self.core = FakeCore(**shape)  # type: ignore[arg-type]
        self.alone = FakeCore(cells=self.core.context)
        self.cache = PrefixCache(1 << 16)
        self.measures = Measures()
        self.lane = Lane(self.core, self.cache)
        self.scheduler = Scheduler(
            self.lane,
            lambda: Lane(self.alone, self.cache, exclusive=True),
            waiting,
            self.measures,
        )

    def ask(
        self,
        text: str,
        cancellation: Cancellation | None = None,
        on_text: Callable[[int, str], None] | None = None,
        **settings: object,
    ) -> Generated:
        request = Generation([Segment(text)], **settings)  # type: ignore[arg-type]
        job = GenerationJob(Letters(), self.core.context, request, on_text, self.measures)
        return self.scheduler.run(
            job,
            cancellation or Cancellation(),
            owner=request.owner,
            exclusive=request.deterministic,
        )


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.scheduler.close()


def expected(text: str, count: int) -> str:
    letters = Letters()
    tokens = greedy(letters.tokenize(text, special=False), count)
    return b"".join(letters.piece(token) for token in tokens).decode()


def together(calls: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a request is stuck"


def test_many_requests_at_once_get_what_each_gets_alone(bench: Bench) -> None:
    dice = random.Random(1)
    beginnings = ["x" * 90, "y" * 70 + "z" * 40, "k" * 5]
    jobs = []
    for number in range(60):
        text = dice.choice(beginnings) + "ab" * dice.randrange(60)
        jobs.append((text, dice.randrange(1, 30), dice.choice([1, 1, 3]), f"o{number % 2}"))
    wrong: list[object] = []

    def one(text: str, count: int, n: int, owner: str) -> Callable[[], None]:
        def call() -> None:
            answer = bench.ask(text, n=n, max_tokens=count, owner=owner)
            if {sample.text for sample in answer.samples} != {expected(text, count)}:
                wrong.append(text)

        return call

    together([one(*job) for job in jobs])
    assert wrong == []
    assert max(bench.core.batches) > 1
    assert bench.measures.batch_requests.counts[0] < sum(bench.measures.batch_requests.counts)
    assert bench.lane.cached_tokens > 0
    assert bench.lane.reserved == 0
    assert bench.scheduler.running == bench.scheduler.waiting == 0


def test_a_stream_goes_on_while_a_long_prompt_is_read(bench: Bench) -> None:
    heard = threading.Semaphore(0)
    sizes: list[int] = []

    def look(entries: Sequence[Entry]) -> None:
        sizes.append(len(entries))

    def stream() -> None:
        bench.ask("tell" * 20, on_text=lambda *_: heard.release(), max_tokens=200)

    def read() -> None:
        assert heard.acquire(timeout=WAIT)
        bench.core.on_decode = look
        bench.ask("w" * 390, max_tokens=1, owner="other")

    together([stream, read])
    mixed = [size for size in sizes if size > 2]
    assert mixed
    assert max(mixed) <= SHARED_CHUNK + 1
    assert len(mixed) >= 390 // SHARED_CHUNK, "pieces, with a token of the stream in each"


def test_a_cancelled_prefill_is_aborted_and_the_others_go_on(bench: Bench) -> None:
    doomed = Cancellation()

    def cancel(entries: Sequence[Entry]) -> None:
        if len(entries) > 32:
            bench.core.on_decode = None
            doomed.cancel()

    bench.core.on_decode = cancel
    outcome: list[object] = []

    def long() -> None:
        with pytest.raises(Cancelled):
            bench.ask("q" * 300, doomed, max_tokens=5)
        outcome.append("cancelled")

    together([long, lambda: outcome.append(bench.ask("ab", max_tokens=20).samples[0].text)])
    assert set(outcome) == {"cancelled", expected("ab", 20)}
    assert bench.measures.cancelled == 1
    assert bench.core.used <= 60, "what the cancelled one held was given back"
    assert bench.ask("q" * 300, max_tokens=5).samples[0].text == expected("q" * 300, 5)


def test_cells_are_never_promised_twice() -> None:
    bench = Bench(cells=450)
    most = 0

    def look(_: Sequence[Entry]) -> None:
        nonlocal most
        most = max(most, bench.lane.reserved)
        assert bench.lane.reserved <= 450

    bench.core.on_decode = look
    calls = [
        lambda number=number: bench.ask(f"{number}" * 50, n=4, max_tokens=40)
        for number in range(12)
    ]
    together(calls)
    assert most > 210, "more than one ran at a time"
    bench.scheduler.close()


def test_the_queue_has_a_bound_and_says_when_to_come_back() -> None:
    bench = Bench(waiting=2)
    hold, started = threading.Event(), threading.Event()

    def block(_: int, __: str) -> None:
        started.set()
        hold.wait(WAIT)

    threads = [
        threading.Thread(target=bench.ask, args=("a", None, block), kwargs={"max_tokens": 3})
    ]
    threads[0].start()
    assert started.wait(WAIT)
    for _ in range(2):
        threads.append(threading.Thread(target=bench.ask, args=("b",), kwargs={"max_tokens": 1}))
        threads[-1].start()
    while bench.scheduler.waiting < 2:
        threading.Event().wait(0.01)
    with pytest.raises(EngineBusy) as caught:
        bench.ask("c", max_tokens=1)
    assert caught.value.retry_after >= 1
    hold.set()
    for thread in threads:
        thread.join(WAIT)
    assert bench.ask("c", max_tokens=1).samples


def test_what_cannot_fit_is_refused_before_it_waits(bench: Bench) -> None:
    with pytest.raises(PromptTooLong) as caught:
        bench.ask("a" * 400)
    assert (caught.value.prompt_tokens, caught.value.context) == (400, 400)
    assert bench.ask("a" * 399, max_tokens=9).samples[0].tokens == 1
    with pytest.raises(EngineError):
        bench.ask("")


def test_a_deterministic_request_has_batches_of_its_own(bench: Bench) -> None:
    def shapes() -> list[int]:
        taken, bench.alone.batches[:] = list(bench.alone.batches), []
        return taken

    bench.ask("d" * 130, n=3, max_tokens=9, deterministic=True, owner="first")
    quiet = shapes()
    noise = [lambda: bench.ask("e" * 80, max_tokens=60, n=2) for _ in range(4)]
    answers: list[Generated] = []
    mine = [
        lambda owner=owner: answers.append(
            bench.ask("d" * 130, n=3, max_tokens=9, deterministic=True, owner=owner)
        )
        for owner in ("second", "third")
    ]
    together([*noise, *mine])
    assert shapes() == quiet * 2
    assert {answer.guarantee for answer in answers} == {"deterministic"}
    assert bench.ask("e", max_tokens=1).guarantee == "best effort"


def test_a_job_that_fails_takes_nobody_with_it(bench: Bench) -> None:
    def fail(_: int, __: str) -> None:
        raise RuntimeError("the listener broke")

    outcome: list[object] = []

    def broken() -> None:
        with pytest.raises(RuntimeError, match="listener"):
            bench.ask("a" * 100, on_text=fail, max_tokens=50)
        outcome.append("failed")

    together([broken, lambda: outcome.append(bench.ask("b", max_tokens=30).samples[0].text)])
    assert set(outcome) == {"failed", expected("b", 30)}
    assert bench.lane.reserved == 0


def test_scores_fill_batches(bench: Bench) -> None:
    letters = Letters()
    texts = ["hello world"[: 1 + number % 11] for number in range(50)]
    job = ScoreJob(letters, 400, [Segment("s" * 80)], texts)
    found = bench.scheduler.run(job, Cancellation())
    alone = [
        bench.scheduler.run(ScoreJob(letters, 400, [Segment("s" * 80)], [text]), Cancellation())
        for text in texts
    ]
    assert found.scores == tuple(one.scores[0] for one in alone)
    assert max(bench.core.batches) > 64
    assert max(bench.core.batches) <= min(ROWS, bench.core.batch)


def test_every_token_of_many_prompts_is_rated(bench: Bench) -> None:
    letters = Letters()
    texts = ["shared beginning " * 6 + tail for tail in ("", "a", "bc", "defghij" * 9)]
    texts += ["shared beginning " * 6 + f"{number}?" for number in range(20)]
    prompts = [[Segment(text)] for text in texts]
    found = bench.scheduler.run(RateJob(letters, 400, prompts, 2), Cancellation())
    for text, scores in zip(texts, found.prompts, strict=True):
        tokens = letters.tokenize(text, special=False)
        assert [score.token for score in scores] == tokens
        assert scores[0].log_probability is None
        for at, score in enumerate(scores[1:], 1):
            logits = row(tokens[:at])
            expected_nats = float(logits[tokens[at]]) - log_normaliser(logits)
            assert score.log_probability == pytest.approx(expected_nats)
            assert score.likeliest[0][0] == int(logits.argmax())
    assert sum(bench.core.batches) < sum(map(len, texts)) / 4, "the shared part was read once"


def test_random_requests_and_disconnects_leave_nothing_behind(bench: Bench) -> None:
    dice = random.Random(7)
    wrong: list[str] = []

    def client(seed: int) -> Callable[[], None]:
        mine = random.Random(seed)

        def call() -> None:
            for _ in range(12):
                text = mine.choice(["m" * 100, "n" * 30]) + "pq" * mine.randrange(40)
                count = mine.randrange(1, 25)
                gone = Cancellation()
                timer = threading.Timer(mine.random() / 50, gone.cancel)
                if mine.random() < 0.3:
                    timer.start()
                try:
                    answer = bench.ask(
                        text,
                        gone,
                        max_tokens=count,
                        n=mine.choice([1, 2]),
                        deterministic=mine.random() < 0.2,
                    )
                    if {s.text for s in answer.samples} != {expected(text, count)}:
                        wrong.append(text)
                except Cancelled:
                    pass
                timer.cancel()

        return call

    together([client(dice.randrange(1000)) for _ in range(16)])
    assert wrong == []
    assert bench.lane.reserved == 0
    assert bench.scheduler.running == bench.scheduler.waiting == 0
    assert bench.cache.held <= bench.cache.capacity
    slots = sum(bool(cells) for cells in bench.core.held.values())
    assert slots <= len(bench.lane._residents), "only ended prompts still hold cells"
