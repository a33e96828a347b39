"""Answers that must be tool calls: ``tool_choice`` as ``required`` or as one tool's name.

The answer is begun for the model, up to where its own words must come, and what it makes of it is
checked against the tool's schema; a sample that fails is drawn again. Nothing unchecked gets out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime.call_json import Call
from runtime.engine_api import EngineError, Generated, Generation, Sample, Sampling, Segment
from runtime.tool_schema import Tools
from runtime.toolcalls import ToolCallParser

TRIES = 4
_OPENING, _END = "<tool_call>", "</tool_call>"
# The same greedy words would fail again.
_WARMER = 0.7
Generate = Callable[[Generation], Generated]


class NoCall(EngineError):
    """No sample was a call that fits its schema; the text is one sentence."""


@dataclass(frozen=True)
class Forced:
    """The tools of which one must be called."""

    functions: Sequence[Mapping[str, Any]]

    def generate(self, request: Generation, engine: Generate) -> Generated:
        """Samples of which each is at least one call; raises NoCall after ``TRIES`` rounds."""
        begun = self._begun()
        prompt = [*request.prompt, Segment(_OPENING, special=True), Segment(begun)]
        request = replace(request, prompt=prompt, stop=(*request.stop, _END))
        done: list[Sample | None] = [None] * request.n
        spent = Spent()
        for attempt in range(TRIES):
            missing = [index for index, sample in enumerate(done) if sample is None]
            sampling = request.sampling if not attempt else _warmer(request.sampling, attempt)
            made = engine(replace(request, n=len(missing), sampling=sampling))
            spent.add(made)
            for index, sample in zip(missing, made.samples, strict=True):
                done[index] = self._checked(sample, begun)
            if all(done):
                samples = tuple(sample for sample in done if sample is not None)
                return spent.total(made, samples)
        raise NoCall(
            f"the model made no call that fits the tool's schema in {TRIES} tries; "
            "simplify the tool, or ask with tool_choice auto"
        )

    def _begun(self) -> str:
        if len(self.functions) == 1:
            return f'\n{{"name": "{self.functions[0]["name"]}", "arguments":'
        return '\n{"name": "'

    def _checked(self, sample: Sample, begun: str) -> Sample | None:
        """The sample with its beginning, if that makes it a call."""
        text = _OPENING + begun + sample.text
        tools = Tools(self.functions)
        parser = ToolCallParser(tools.names, tools.accepted)
        events = [*parser.feed(text), *parser.finish()]
        called = any(isinstance(event, Call) for event in events)
        return replace(sample, text=text, finish="stop") if called else None


class Spent:
    """Tokens over several rounds."""

    def __init__(self) -> None:
        self._tokens = 0

    def add(self, made: Generated) -> None:
        """Count a round."""
        self._tokens += sum(sample.tokens for sample in made.samples)

    def total(self, last: Generated, samples: tuple[Sample, ...]) -> Generated:
        """These samples; the first bears the tokens of those that were thrown away."""
        kept = sum(sample.tokens for sample in samples)
        first = replace(samples[0], tokens=samples[0].tokens + self._tokens - kept)
        return replace(last, samples=(first, *samples[1:]))


def _warmer(sampling: Sampling, attempt: int) -> Sampling:
    # Other words than in the round before, and the same ones when all is asked again.
    seed = None if sampling.seed is None else sampling.seed + 1000 * attempt
    return replace(sampling, temperature=max(sampling.temperature, _WARMER), seed=seed)
