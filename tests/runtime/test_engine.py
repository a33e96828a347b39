"""The engine on real models: the small one always, the default one where marked."""

import json
import threading

import pytest
from asking import TASK, ask, prompt

from runtime import chat_template
from runtime.core import STABLE
from runtime.engine import LlamaEngine
from runtime.engine_api import (
    BadGrammar,
    Cancellation,
    Cancelled,
    Constraint,
    EngineBusy,
    Generated,
    Generation,
    PromptTooLong,
    Sampling,
    Segment,
)


def test_greedy_answers_are_the_same_cold_and_cached(engine: LlamaEngine) -> None:
    question = "Count to five. " * 40
    cold = ask(engine, question, max_tokens=12, owner="one")
    cached = ask(engine, question, max_tokens=12, owner="one")
    other = ask(engine, question, max_tokens=12, owner="two")
    back = ask(engine, question, max_tokens=12, owner="one")
    assert cold.samples == cached.samples == other.samples == back.samples
    assert cached.cached_tokens == back.cached_tokens == cached.prompt_tokens - STABLE
    assert cold.cached_tokens == other.cached_tokens == 0, "never across owners"


def test_the_next_turn_reuses_the_turn_before_it(engine: LlamaEngine) -> None:
    question = {"role": "user", "content": "Name a colour. " * 30}
    first = engine.generate(
        Generation(chat_template.render(engine.family, [question]), max_tokens=60),
        None,
        Cancellation(),
    )
    reply = {"role": "assistant", "content": first.samples[0].text + " and so on" * 40}
    messages = [question, reply, {"role": "user", "content": "Another."}]
    request = Generation(chat_template.render(engine.family, messages), max_tokens=2)
    second = engine.generate(request, None, Cancellation())
    shared = first.prompt_tokens + first.samples[0].tokens - 2
    assert second.cached_tokens >= min(shared, second.prompt_tokens - STABLE)


def test_the_next_turn_runs_only_what_is_new(engine: LlamaEngine) -> None:
    messages = [{"role": "user", "content": "Name a river. " * 30}]
    turns = []
    for said in ("Another.", "And one more."):
        request = Generation(chat_template.render(engine.family, messages), max_tokens=20)
        turns.append(engine.generate(request, None, Cancellation()))
        reply = {"role": "assistant", "content": turns[-1].samples[0].text}
        messages += [reply, {"role": "user", "content": said}]
    first, second = turns
    assert second.cached_tokens == first.prompt_tokens + first.samples[0].tokens - 1
    assert second.prompt_tokens - second.cached_tokens < STABLE


def test_a_prompt_that_goes_on_from_no_answer_has_the_bits_of_a_cold_one(
    engine: LlamaEngine,
) -> None:
    start = "Count to five. " * 40
    longer = start + "Then stop."
    cold = ask(engine, longer, max_tokens=12, owner="cold")
    ask(engine, start, max_tokens=12, owner="warm")
    warm = ask(engine, longer, max_tokens=12, owner="warm")
    assert warm.cached_tokens == warm.prompt_tokens - STABLE
    assert warm.samples == cold.samples


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
    assert caught.value.context == engine.context
    assert caught.value.prompt_tokens > 2000
    assert str(caught.value.prompt_tokens) in str(caught.value)


def test_an_answer_ends_where_the_context_ends(engine: LlamaEngine) -> None:
    answer = ask(engine, "word " * 990)
    assert answer.prompt_tokens + answer.samples[0].tokens <= engine.context


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


def test_an_answer_follows_a_schema(engine: LlamaEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}, "big": {"type": "boolean"}},
        "required": ["city", "big"],
        "additionalProperties": False,
    }
    constraint = Constraint("json_schema", json.dumps(schema))
    sampling = Sampling(temperature=1.5, seed=5)
    answer = ask(
        engine, "Say something.", n=3, max_tokens=60, sampling=sampling, constraint=constraint
    )
    for sample in answer.samples:
        assert sample.finish == "stop"
        assert set(json.loads(sample.text)) == {"city", "big"}
    free = ask(engine, "Say something.", max_tokens=5)
    assert not free.samples[0].text.startswith("{")
    with pytest.raises(BadGrammar):
        ask(engine, "Say something.", constraint=Constraint("json_schema", '{"type": 7}'))


def test_scores_tell_how_likely_each_token_was(engine: LlamaEngine) -> None:
    sample = ask(engine, "Count to five.", max_tokens=6, likeliest=3).samples[0]
    assert len(sample.scores) == sample.tokens
    assert b"".join(score.piece for score in sample.scores).decode() == sample.text
    for score in sample.scores:
        assert score.likeliest[0][0] == score.token, "greedy takes the likeliest"
        assert score.log_probability == score.likeliest[0][2] < 0
    assert ask(engine, "Count to five.", max_tokens=6).samples[0].scores == ()


def test_a_prompt_is_rated_as_its_tokens_are_drawn(engine: LlamaEngine) -> None:
    asked = prompt(engine, "What is the capital of France? " * 4)
    texts = ["Paris is the capital.", "Purple soup."]
    prompts = [[*asked, Segment(text)] for text in texts]
    rated = engine.rate(prompts, 1, Cancellation())
    scored = engine.score(asked, texts, Cancellation()).scores
    for scores, whole, parts in zip(rated.prompts, scored, prompts, strict=True):
        assert len(scores) == engine.count(parts)
        told = [score.log_probability or 0.0 for score in scores[-whole.tokens :]]
        assert sum(told) == pytest.approx(whole.log_probability, abs=1.0)


def test_a_deterministic_answer_is_the_same_beside_others(engine: LlamaEngine) -> None:
    sampling = Sampling(temperature=1.0, seed=11)

    def answer() -> Generated:
        return ask(
            engine, "Tell a story.", n=2, max_tokens=12, sampling=sampling, deterministic=True
        )

    alone = answer()
    noise = Cancellation()
    started = threading.Event()

    def talk() -> None:
        request = Generation(prompt(engine, "Talk for ever."), n=3, max_tokens=200)
        with pytest.raises(Cancelled):
            engine.generate(request, lambda *_: started.set(), noise)

    thread = threading.Thread(target=talk)
    thread.start()
    assert started.wait(60)
    beside = answer()
    noise.cancel()
    thread.join(60)
    assert alone.samples == beside.samples
    assert alone.guarantee == beside.guarantee == "deterministic"
    assert ask(engine, "Hi", max_tokens=1).guarantee == "best effort"


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
def test_the_default_model_is_greedy_alike_cold_and_cached(coder: LlamaEngine) -> None:
    cold = ask(coder, TASK, max_tokens=40, owner="one")
    cached = ask(coder, TASK, max_tokens=40, owner="one")
    other = ask(coder, TASK, max_tokens=40, owner="two")
    assert cold.samples == cached.samples == other.samples
    assert cached.cached_tokens == cached.prompt_tokens - STABLE
