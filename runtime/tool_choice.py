"""Answers that must be tool calls: ``tool_choice`` as ``required`` or as one tool's name.

The tools' schemas become one for the whole call, which the engine keeps to while it samples. Where
it cannot (references, or what its grammars do not know), the answer is begun for the model, up to
where its own words must come. Either way what comes is checked against the tool's schema, and a
sample that fails is drawn again: nothing unchecked gets out.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runtime.call_json import Call
from runtime.engine_api import (
    BadGrammar,
    Constraint,
    EngineError,
    Generated,
    Generation,
    Sample,
    Sampling,
    Segment,
)
from runtime.tool_schema import Tools
from runtime.toolcalls import ToolCallParser

TRIES = 4
_OPENING, _END = "<tool_call>", "</tool_call>"
# The same greedy words would fail again.
_WARMER = 0.7
Generate = Callable[[Generation], Generated]


class NoCall(EngineError):
    """No sample was a call that fits its schema; the text is one sentence."""


class Forced:
    """The tools of which one must be called; for one request.

    ``how`` tells afterwards what made sure of it.
    """

    def __init__(self, functions: Sequence[Mapping[str, Any]]) -> None:
        self.how = "grammar"
        self._functions = functions

    def generate(self, request: Generation, engine: Generate) -> Generated:
        """Samples of which each is at least one call; raises NoCall after ``TRIES`` rounds."""
        schema = _schema(self._functions)
        if schema is not None:
            try:
                constraint = Constraint("json_schema", json.dumps(schema))
                return self._rounds(replace(request, constraint=constraint), engine, "\n")
            except BadGrammar:
                # A schema that its grammars cannot express is no fault of the client's.
                pass
        self.how = "sampled and checked"
        return self._rounds(request, engine, self._begun())

    def _rounds(self, request: Generation, engine: Generate, begun: str) -> Generated:
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
            "simplify the tool, allow more tokens, or ask with tool_choice auto"
        )

    def _begun(self) -> str:
        if len(self._functions) == 1:
            return f'\n{{"name": "{self._functions[0]["name"]}", "arguments":'
        return '\n{"name": "'

    def _checked(self, sample: Sample, begun: str) -> Sample | None:
        """The sample with its beginning, if that makes it a call."""
        text = _OPENING + begun + sample.text
        tools = Tools(self._functions)
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


def _schema(functions: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """One schema for a call of any of these; None where references would point elsewhere then."""
    if "$ref" in json.dumps([function.get("parameters") for function in functions]):
        return None
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": function["name"]},
                "arguments": function.get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for function in functions
    ]
    return {"anyOf": calls}


def _warmer(sampling: Sampling, attempt: int) -> Sampling:
    # Other words than in the round before, and the same ones when all is asked again.
    seed = None if sampling.seed is None else sampling.seed + 1000 * attempt
    return replace(sampling, temperature=max(sampling.temperature, _WARMER), seed=seed)
