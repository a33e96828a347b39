"""Plain completions: one prompt or several side by side, with the prompt's own text and scores."""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from runtime import wire
from runtime.asked import BadRequest, generation
from runtime.completions import prompt
from runtime.engine_api import (
    Cancellation,
    Engine,
    Generated,
    Generation,
    OnText,
    PromptTooLong,
    Sample,
    TokenScore,
)

_SIDE_BY_SIDE = 32


@dataclass(frozen=True)
class Plain:
    """A request of ``/v1/completions``; called, it generates."""

    engine: Engine
    texts: Sequence[str]
    requests: Sequence[Generation]
    echo: bool

    @property
    def samples(self) -> int:
        """Of all prompts."""
        return sum(request.n for request in self.requests)

    def require(self) -> None:
        """Raise PromptTooLong unless every prompt leaves room for an answer."""
        for request in self.requests:
            needed = self.engine.count(request.prompt)
            room = request.max_tokens != 0
            if needed + room > self.engine.context:
                raise PromptTooLong(needed, self.engine.context)

    def __call__(self, on_text: OnText, cancellation: Cancellation) -> Generated:
        """All samples, those of the first prompt first; raises as ``Engine.generate``."""
        scores = self._prompt_scores(cancellation)
        if len(self.requests) == 1:
            made = [self._one(0, on_text, cancellation)]
        else:
            made = self._all(on_text, cancellation)
        samples = [
            self._echoed(at, sample, scores) if self.echo else sample
            for at, one in enumerate(made)
            for sample in one.samples
        ]
        return Generated(
            tuple(samples),
            sum(one.prompt_tokens for one in made),
            sum(one.cached_tokens for one in made),
            guarantee=made[0].guarantee,
            accepted_drafts=sum(one.accepted_drafts for one in made),
        )

    def _all(self, on_text: OnText, cancellation: Cancellation) -> list[Generated]:
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(self.requests))) as threads:
            tasks = [
                threads.submit(self._one, at, on_text, cancellation)
                for at in range(len(self.requests))
            ]
            done = wait(tasks, return_when=FIRST_EXCEPTION).done
            for task in done:
                if (error := task.exception()) is not None:
                    cancellation.cancel()
                    raise error
            return [task.result() for task in tasks]

    def _one(self, at: int, on_text: OnText, cancellation: Cancellation) -> Generated:
        """The samples of prompt ``at``."""
        request = self.requests[at]
        first = sum(one.n for one in self.requests[:at])

        def told(index: int, text: str) -> None:
            on_text(first + index, text)

        if self.echo:
            for index in range(request.n):
                told(index, self.texts[at])
        if request.max_tokens == 0:
            samples = tuple(Sample("", "length", 0) for _ in range(request.n))
            return Generated(samples, self.engine.count(request.prompt), 0)
        return self.engine.generate(request, told, cancellation)

    def _prompt_scores(self, cancellation: Cancellation) -> Sequence[Sequence[TokenScore]]:
        asked = self.requests[0]
        if not self.echo or asked.likeliest is None:
            return [() for _ in self.requests]
        prompts = [request.prompt for request in self.requests]
        return self.engine.rate(prompts, asked.likeliest, cancellation, asked.owner).prompts

    def _echoed(self, at: int, sample: Sample, scores: Sequence[Sequence[TokenScore]]) -> Sample:
        both = (*scores[at], *sample.scores)
        return Sample(self.texts[at] + sample.text, sample.finish, sample.tokens, both)


def understood(engine: Engine, body: wire.CompletionRequest, owner: str) -> Plain:
    """The request; raises BadRequest, or NoFillMarkers for a suffix that cannot be shown."""
    echo = body.echo is True
    if echo and body.suffix:
        raise BadRequest("echo: it cannot be combined with suffix")
    if body.max_tokens == 0 and not echo:
        raise BadRequest("max_tokens: 0 is only for `echo`, to score the prompt")
    requests = [generation(body, prompt(engine, text, body.suffix), owner) for text in body.prompts]
    if sum(request.n for request in requests) > wire.MOST_SAMPLES:
        raise BadRequest(f"n: at most {wire.MOST_SAMPLES} samples over all prompts")
    return Plain(engine, body.prompts, requests, echo)
