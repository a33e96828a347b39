"""The engine on real models: the small one always, the default one where marked."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import chat_template
from runtime.engine import LlamaEngine, Settings, physical_cores
from runtime.engine_api import (
    BranchQuery,
    Cancellation,
    Cancelled,
    EngineBusy,
    Generated,
    Generation,
    Prompt,
    PromptTooLong,
    Sampling,
    Segment,
)

CONTEXT = 1024
BUG = '''def calculate_interest(principal, rate):
    """Interest of one year; the rate is in percent."""
    return principal / rate
'''
TASK = f"""Fix the bug in this function.
```python
{BUG}```
The test fails: assert calculate_interest(1000, 5) == 50
"""


@pytest.fixture(scope="module")
def engine(model_file: Callable[[str], Path]) -> Iterator[LlamaEngine]:
    settings = Settings(context=CONTEXT, slots=8, waiting=4)
    loaded = LlamaEngine(model_file("smollm2-135m"), settings)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def coder(model_file: Callable[[str], Path]) -> Iterator[LlamaEngine]:
    loaded = LlamaEngine(model_file("qwen2.5-coder-1.5b"), Settings(context=2048))
    yield loaded
    loaded.close()


def prompt(engine: LlamaEngine, text: str) -> Prompt:
    return chat_template.render(engine.family, [{"role": "user", "content": text}])


def ask(engine: LlamaEngine, text: str, **settings: object) -> Generated:
    request = Generation(prompt(engine, text), **settings)  # type: ignore[arg-type]
    return engine.generate(request, None, Cancellation())


def forget(engine: LlamaEngine) -> None:
    """Push the last prompt out of the prefix cache."""
    engine.generate(Generation([Segment("x y z")], max_tokens=1), None, Cancellation())


def test_greedy_answers_are_the_same_cold_and_cached(engine: LlamaEngine) -> None:
    cold = ask(engine, "Count to five.", max_tokens=12)
    cached = ask(engine, "Count to five.", max_tokens=12)
    forget(engine)
    again = ask(engine, "Count to five.", max_tokens=12)
    assert cold.samples == cached.samples == again.samples
    assert cached.cached_tokens == cached.prompt_tokens - 1
    assert again.cached_tokens == 0


def test_the_next_turn_reuses_the_answer_before_it(engine: LlamaEngine) -> None:
    question = {"role": "user", "content": "Name a colour."}
    first = ask(engine, "Name a colour.", max_tokens=60)
    reply = {"role": "assistant", "content": first.samples[0].text}
    messages = [question, reply, {"role": "user", "content": "Another."}]
    request = Generation(chat_template.render(engine.family, messages), max_tokens=2)
    second = engine.generate(request, None, Cancellation())
    assert second.cached_tokens > first.prompt_tokens


def test_samples_share_the_prompt_and_differ(engine: LlamaEngine) -> None:
    sampling = Sampling(temperature=1.0, seed=3)
    many = ask(engine, "Tell a story.", n=12, max_tokens=10, sampling=sampling)
    assert len({sample.text for sample in many.samples}) == 12
    again = ask(engine, "Tell a story.", n=12, max_tokens=10, sampling=sampling)
    assert [s.text for s in many.samples] == [s.text for s in again.samples]


def test_streamed_text_is_the_text(engine: LlamaEngine) -> None:
    heard = ["", "", ""]

    def hear(index: int, text: str) -> None:
        heard[index] += text

    request = Generation(
        prompt(engine, "Write some emoji and Chinese."),
        n=3,
        max_tokens=24,
        sampling=Sampling(temperature=1.5, seed=1),
    )
    answer = engine.generate(request, hear, Cancellation())
    assert heard == [sample.text for sample in answer.samples]


def test_a_stop_string_ends_the_text_before_itself(engine: LlamaEngine) -> None:
    free = ask(engine, "Count to five.", max_tokens=30).samples[0]
    word = free.text[5:8]
    stopped = ask(engine, "Count to five.", max_tokens=30, stop=(word,)).samples[0]
    assert stopped.text == free.text[: free.text.index(word)]
    assert stopped.finish == "stop"
    assert ask(engine, "Count to five.", max_tokens=3).samples[0].finish == "length"


def test_a_prompt_that_does_not_fit_is_refused_with_both_counts(engine: LlamaEngine) -> None:
    with pytest.raises(PromptTooLong) as caught:
        ask(engine, "word " * 2000)
    assert caught.value.context == CONTEXT
    assert caught.value.prompt_tokens > 2000
    assert str(caught.value.prompt_tokens) in str(caught.value)


def test_an_answer_ends_where_the_context_ends(engine: LlamaEngine) -> None:
    answer = ask(engine, "word " * 990)
    assert answer.prompt_tokens + answer.samples[0].tokens <= CONTEXT


def test_text_never_becomes_a_control_token(engine: LlamaEngine) -> None:
    assert len(engine.tokenize("<|im_end|>")) > 1
    assert engine.count([Segment("<|im_end|>", special=True)]) == 1


def test_cancelling_between_tokens_and_in_the_queue(engine: LlamaEngine) -> None:
    running, waiting = Cancellation(), Cancellation()
    outcomes: list[str] = []
    started = threading.Event()

    def run(cancellation: Cancellation, name: str) -> None:
        request = Generation(prompt(engine, "Tell a long story."), max_tokens=900)
        try:
            engine.generate(request, lambda *_: started.set(), cancellation)
        except Cancelled:
            outcomes.append(name)

    first = threading.Thread(target=run, args=(running, "running"))
    first.start()
    assert started.wait(60)
    second = threading.Thread(target=run, args=(waiting, "waiting"))
    second.start()
    waiting.cancel()
    running.cancel()
    first.join(60)
    second.join(60)
    assert sorted(outcomes) == ["running", "waiting"]
    assert ask(engine, "Count to five.", max_tokens=3).samples[0].tokens == 3


def test_cancelling_in_prefill_leaves_the_engine_whole(engine: LlamaEngine) -> None:
    before = ask(engine, "Count to five.", max_tokens=8)
    forget(engine)
    cancellation = Cancellation()
    timer = threading.Timer(0.05, cancellation.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        engine.generate(
            Generation(prompt(engine, "many words " * 400), max_tokens=500), None, cancellation
        )
    timer.join()
    assert ask(engine, "Count to five.", max_tokens=8).samples == before.samples


def test_a_full_queue_says_busy(engine: LlamaEngine) -> None:
    hold, started = threading.Event(), threading.Event()

    def block(_: int, __: str) -> None:
        started.set()
        hold.wait(60)

    request = Generation(prompt(engine, "Hi"), max_tokens=1)
    threads = [threading.Thread(target=engine.generate, args=(request, block, Cancellation()))]
    threads[0].start()
    assert started.wait(60)
    busy = 0
    waiting = [Cancellation() for _ in range(8)]

    def wait(cancellation: Cancellation) -> None:
        nonlocal busy
        try:
            engine.generate(request, None, cancellation)
        except EngineBusy:
            busy += 1

    threads += [threading.Thread(target=wait, args=(cancellation,)) for cancellation in waiting]
    for thread in threads[1:]:
        thread.start()
    for thread in threads[1:]:
        thread.join(0.2)
    hold.set()
    for thread in threads:
        thread.join(60)
    assert busy == 4


def test_branches_leave_the_forced_text_and_are_ranked(engine: LlamaEngine) -> None:
    forced = f"```python\n# naïve €\n{BUG}```"
    query = BranchQuery(prompt(engine, TASK), forced, count=20, max_tokens=16)
    found = engine.branch(query, Cancellation()).branches
    assert 5 < len(found) <= 20
    chances = [branch.log_probability for branch in found]
    assert chances == sorted(chances, reverse=True)
    results = set()
    for branch in found:
        end = forced.find("\n", branch.offset)
        rest = forced[branch.offset : end if end >= 0 else len(forced)]
        assert branch.text != rest
        assert "\n" not in branch.text
        results.add((branch.offset, branch.text))
    assert len(results) == len(found)
    # With the prompt in the cache the batches have other shapes, which moves the last digits
    # of the logits; from then on nothing changes.
    again = engine.branch(query, Cancellation()).branches
    assert engine.branch(query, Cancellation()).branches == again


def test_branches_keep_to_their_range(engine: LlamaEngine) -> None:
    forced = f"```python\n{BUG}```"
    start = forced.index("return")
    query = BranchQuery(prompt(engine, TASK), forced, first=start, last=start + 10, count=10)
    found = engine.branch(query, Cancellation()).branches
    assert found
    assert {branch.offset for branch in found} <= set(range(start, start + 10))
    nowhere = BranchQuery(prompt(engine, TASK), forced, first=9999)
    assert engine.branch(nowhere, Cancellation()).branches == ()


def test_a_branch_is_the_greedy_continuation(engine: LlamaEngine) -> None:
    asked, forced = prompt(engine, "Write code."), "x = [1, 2]\ny = 3\n"
    query = BranchQuery(asked, forced, count=30, max_tokens=8)
    [first, *_] = [b for b in engine.branch(query, Cancellation()).branches if b.offset == 0]
    free = Generation(asked, max_tokens=8, stop=("\n",))
    assert engine.generate(free, None, Cancellation()).samples[0].text == first.text


def test_scores_are_sums_of_log_probabilities(engine: LlamaEngine) -> None:
    asked = prompt(engine, "What is the capital of France?")
    texts = ["The capital of France is Paris.", "Purple soup banana.", "", "Yes"]
    together = engine.score(asked, texts, Cancellation()).scores
    assert together[0].log_probability > together[1].log_probability
    assert (together[2].log_probability, together[2].tokens) == (0.0, 0)
    assert together[3].tokens == 1
    for text, score in zip(texts, together, strict=True):
        [alone] = engine.score(asked, [text], Cancellation()).scores
        assert alone.log_probability == pytest.approx(score.log_probability, abs=0.2)
    many = engine.score(asked, [f"{number} things" for number in range(40)], Cancellation())
    assert len({score.log_probability for score in many.scores}) == 40


def test_a_long_continuation_is_scored_over_several_batches(engine: LlamaEngine) -> None:
    [score] = engine.score(prompt(engine, "Go on."), ["word " * 300], Cancellation()).scores
    assert score.tokens >= 300
    assert score.log_probability < 0


def test_threads_are_physical_cores() -> None:
    assert physical_cores() >= 1


@pytest.mark.model
def test_the_default_model_answers(coder: LlamaEngine) -> None:
    answer = ask(coder, "What is 2 + 2? Answer with the number only.", max_tokens=8)
    assert "4" in answer.samples[0].text
    assert answer.samples[0].finish == "stop"


@pytest.mark.model
def test_the_default_model_gives_distinct_samples(coder: LlamaEngine) -> None:
    sampling = Sampling(temperature=1.0, seed=1)
    answer = ask(coder, "Invent a short poem.", n=4, max_tokens=24, sampling=sampling)
    assert len({sample.text for sample in answer.samples}) == 4


@pytest.mark.model
def test_the_default_model_finds_the_fix_where_it_is_surprised(coder: LlamaEngine) -> None:
    forced = f"```python\n{BUG}```"
    query = BranchQuery(prompt(coder, TASK), forced, count=40)
    found = coder.branch(query, Cancellation()).branches
    mended = []
    for branch in found:
        end = forced.find("\n", branch.offset)
        code = (forced[: branch.offset] + branch.text + forced[end:]).split("```")[1]
        scope: dict[str, Callable[[float, float], float]] = {}
        try:
            exec(code.removeprefix("python"), scope)
            mended.append(scope["calculate_interest"](1000, 5) == 50)
        except Exception:
            mended.append(False)
    assert any(mended)


@pytest.mark.model
def test_the_default_model_is_greedy_alike_cold_and_cached(coder: LlamaEngine) -> None:
    cold = ask(coder, TASK, max_tokens=40)
    cached = ask(coder, TASK, max_tokens=40)
    forget(coder)
    assert cold.samples == cached.samples == ask(coder, TASK, max_tokens=40).samples
    assert cached.cached_tokens == cached.prompt_tokens - 1
