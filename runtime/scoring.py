"""How likely the model finds given texts: prefill only, in shared batches."""

from collections.abc import Sequence
from itertools import accumulate

from runtime.core import ROWS, Steps, Vocabulary, common, encode
from runtime.engine_api import (
    EngineError,
    Prompt,
    PromptTooLong,
    Rated,
    Score,
    Scored,
    TokenScore,
)
from runtime.lane import Need, Seat
from runtime.packing import Packer
from runtime.sampling import Logits, log_normaliser, token_score


class ScoreJob:
    """Scores continuations of one prompt; see ``Engine.score``."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        context: int,
        prompt: Prompt,
        continuations: Sequence[str],
        behind: Sequence[int] = (),
    ) -> None:
        """Raises EngineError for an empty prompt and PromptTooLong where one does not fit."""
        parts = [encode(vocabulary, [segment]) for segment in prompt]
        ends = [0, *accumulate(len(part) for part in parts)]
        self._prompt = [token for part in parts for token in part]
        self._tokens = [vocabulary.tokenize(text, special=False) for text in continuations]
        self._starts = [ends[count] for count in behind or [len(parts)] * len(self._tokens)]
        self._sums = [0.0] * len(self._tokens)
        if not all(self._starts) or not self._prompt:
            raise EngineError("an empty prompt cannot be continued")
        spans = zip(self._starts, self._tokens, strict=True)
        longest = max((start + len(each) for start, each in spans), default=0)
        if max(longest, len(self._prompt)) > context:
            raise PromptTooLong(max(longest, len(self._prompt)), context)

    @property
    def need(self) -> Need:
        """As many sequences as fill a batch; more would only wait for the next one."""
        longest = max((len(each) for each in self._tokens), default=0)
        several = [each for each in self._tokens if len(each) > 1]
        return Need(self._prompt, max(1, longest), min(len(several), ROWS))

    def steps(self, seat: Seat) -> Steps[Scored]:
        """Read the prompt, then the tokens after the first one of every continuation."""
        first = min(self._starts, default=len(self._prompt)) - 1
        cached = seat.reuse(self._prompt, first, stable=True)
        yield from seat.read(self._prompt, first, self._begin)
        yield from Packer(seat, self._starts, self._tokens, self._add).steps()
        scores = tuple(
            Score(total, len(each)) for total, each in zip(self._sums, self._tokens, strict=True)
        )
        return Scored(scores, len(self._prompt), cached)

    def _begin(self, at: int, logits: Logits) -> None:
        here = [n for n, start in enumerate(self._starts) if start == at + 1 and self._tokens[n]]
        normaliser = log_normaliser(logits) if here else 0.0
        for index in here:
            self._sums[index] = float(logits[self._tokens[index][0]]) - normaliser

    def _add(self, index: int, following: int, logits: Logits) -> None:
        self._sums[index] += float(logits[following]) - log_normaliser(logits)


class RateJob:
    """Scores every token of some prompts; see ``Engine.rate``."""

    def __init__(
        self, vocabulary: Vocabulary, context: int, prompts: Sequence[Prompt], likeliest: int
    ) -> None:
        """Raises EngineError for an empty prompt and PromptTooLong where one does not fit."""
        self._vocabulary = vocabulary
        self._likeliest = likeliest
        self._prompts = [encode(vocabulary, prompt) for prompt in prompts]
        if not all(self._prompts):
            raise EngineError("an empty prompt has nothing to score")
        longest = max(len(tokens) for tokens in self._prompts)
        if longest > context:
            raise PromptTooLong(longest, context)
        first = self._prompts[0]
        shared = min(common(first, tokens) for tokens in self._prompts)
        self._shared = first[:shared]
        # From the last shared token on: its logits are those for what comes after it.
        self._rest = [tokens[shared:] for tokens in self._prompts]
        self._scores = [
            [TokenScore(tokens[0], vocabulary.piece(tokens[0]), None)] for tokens in self._prompts
        ]

    @property
    def need(self) -> Need:
        """As many sequences as fill a batch."""
        longest = max(len(rest) for rest in self._rest)
        several = [rest for rest in self._rest if len(rest) > 1]
        return Need(self._shared, max(1, longest), min(len(several), ROWS))

    def steps(self, seat: Seat) -> Steps[Rated]:
        """Read what all share once, then the rest side by side."""
        seat.reuse(self._shared, 0, stable=True)
        yield from seat.read(self._shared, 0, self._take_shared)
        starts = [len(self._shared)] * len(self._rest)
        yield from Packer(seat, starts, self._rest, self._take).steps()
        scores = tuple(tuple(each) for each in self._scores)
        return Rated(scores, sum(len(tokens) for tokens in self._prompts), 0)

    def _take_shared(self, at: int, logits: Logits) -> None:
        following = [tokens[at + 1] if at + 1 < len(tokens) else None for tokens in self._prompts]
        known: dict[int, TokenScore] = {}
        for index, token in enumerate(following):
            if token is None:
                continue
            if token not in known:
                known[token] = token_score(self._vocabulary, logits, token, self._likeliest)
            self._scores[index].append(known[token])

    def _take(self, index: int, following: int, logits: Logits) -> None:
        score = token_score(self._vocabulary, logits, following, self._likeliest)
        self._scores[index].append(score)
