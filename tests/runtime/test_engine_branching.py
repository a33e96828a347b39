"""Branches and scores of the engine, on real models."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from asking import BUG, TASK, prompt

from runtime.engine import LlamaEngine
from runtime.engine_api import BranchPath, BranchQuery, Cancellation, Generation, Segment


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
    assert engine.branch(query, Cancellation()).branches == found


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


def test_a_branch_may_run_over_lines_and_find_its_way_back(engine: LlamaEngine) -> None:
    forced = "1\n2\n3\n5\n6\n7\n8\n"
    asked = prompt(engine, "Count from 1 to 8, one number a line.")
    start = forced.index("5")
    query = BranchQuery(asked, forced, count=4, first=start, last=start + 1, lines=3, rejoin=3)
    found = engine.branch(query, Cancellation()).branches
    [back] = [branch for branch in found if branch.text == "4\n"]
    assert (back.offset, forced[back.end :]) == (start, "5\n6\n7\n8\n")
    [line] = [branch for branch in found if branch.text == "4"]
    assert forced[line.end :] == "\n6\n7\n8\n"
    assert line.log_probability >= back.log_probability
    assert back.surprise == back.log_probability, "it only adds"


def test_more_alternatives_are_looked_at_where_lines_begin(engine: LlamaEngine) -> None:
    forced = f"```python\n{BUG}```"
    asked = prompt(engine, TASK)
    few = engine.branch(BranchQuery(asked, forced, count=6), Cancellation()).branches
    query = BranchQuery(asked, forced, count=6, line_starts=12)
    many = engine.branch(query, Cancellation()).branches
    assert starting(many, forced) > starting(few, forced) + 5
    assert len(many) - starting(many, forced) <= 6
    only = replace(query, count=0)
    alone = engine.branch(only, Cancellation()).branches
    assert 0 < len(alone) == starting(alone, forced)


def test_a_second_question_about_the_same_code_reads_nothing_again(engine: LlamaEngine) -> None:
    forced = f"```python\n{BUG}```"
    few = BranchQuery(prompt(engine, TASK), forced, count=8, max_tokens=16, owner="a")
    more = replace(few, count=24, line_starts=4)
    first = engine.branch(few, Cancellation())
    second = engine.branch(more, Cancellation())
    assert first.cached_tokens < first.prompt_tokens
    assert second.cached_tokens == second.prompt_tokens
    fresh = engine.branch(replace(more, owner="b"), Cancellation())
    assert fresh.cached_tokens == 0
    assert second.branches == fresh.branches


def starting(branches: Sequence[BranchPath], forced: str) -> int:
    """How many of them begin a line."""
    return sum(not forced[: b.offset].rpartition("\n")[2].strip() for b in branches)


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


def test_continuations_at_several_places_of_one_text_are_scored_in_one_pass(
    engine: LlamaEngine,
) -> None:
    segments = [*prompt(engine, "Count."), Segment("one two three\n"), Segment("four five six\n")]
    count = len(segments)
    asked = ["one\n", "purple\n", "seven\n", "four five\n", ""]
    behind = [count - 2, count - 1, count, count - 1, count - 2]
    together = engine.score(segments, asked, Cancellation(), behind=behind).scores
    for text, parts, score in zip(asked, behind, together, strict=True):
        [alone] = engine.score(segments[:parts], [text], Cancellation()).scores
        assert alone.log_probability == pytest.approx(score.log_probability, abs=0.2)
        assert alone.tokens == score.tokens
    other = engine.score(segments, asked, Cancellation()).scores
    assert abs(other[0].log_probability - together[0].log_probability) > 1, "places matter"


def test_a_long_continuation_is_scored_over_several_batches(engine: LlamaEngine) -> None:
    [score] = engine.score(prompt(engine, "Go on."), ["word " * 300], Cancellation()).scores
    assert score.tokens >= 300
    assert score.log_probability < 0


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
