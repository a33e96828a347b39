"""How likely the model finds given continuations of one prompt: prefill only, in batches."""

from collections.abc import Sequence
from itertools import pairwise

from runtime.core import ROWS, Core, Entry, Prefix, encode, stop_if_cancelled
from runtime.engine_api import Cancellation, Prompt, PromptTooLong, Score, Scored
from runtime.sampling import log_normaliser


def score(
    core: Core,
    prefix: Prefix,
    prompt: Prompt,
    continuations: Sequence[str],
    cancellation: Cancellation,
) -> Scored:
    """Score each continuation; see ``Engine.score``."""
    prompt_tokens = encode(core, prompt)
    tokens = [core.tokenize(text, special=False) for text in continuations]
    longest = max((len(each) for each in tokens), default=0)
    if len(prompt_tokens) + longest > core.context:
        raise PromptTooLong(len(prompt_tokens) + longest, core.context)
    last = len(prompt_tokens) - 1
    cached = prefix.reuse(prompt_tokens, last)
    sums = [0.0] * len(tokens)
    for _, logits in prefix.run(prompt_tokens, last, cancellation):
        normaliser = log_normaliser(logits)
        for index, each in enumerate(tokens):
            if each:
                sums[index] = float(logits[each[0]]) - normaliser
    _Packer(core, len(prompt_tokens), tokens, sums, cancellation).run()
    scores = tuple(Score(total, len(each)) for total, each in zip(sums, tokens, strict=True))
    return Scored(scores, len(prompt_tokens), cached)


class _Packer:
    """Fills batches with continuations, each in a sequence of its own; adds to ``sums``."""

    def __init__(
        self,
        core: Core,
        prompt_tokens: int,
        continuations: list[list[int]],
        sums: list[float],
        cancellation: Cancellation,
    ) -> None:
        self._core = core
        self._prompt_tokens = prompt_tokens
        self._continuations = continuations
        self._sums = sums
        self._cancellation = cancellation
        self._slot = 0
        self._entries: list[Entry] = []
        self._expected: list[tuple[int, int]] = []

    def run(self) -> None:
        """Score the tokens after the first one of every continuation."""
        most = min(ROWS, self._core.batch)
        for index, tokens in enumerate(self._continuations):
            if len(tokens) < 2:
                continue
            if self._slot == self._core.slots or (
                self._entries and len(self._entries) + len(tokens) - 1 > most
            ):
                self._restart()
            self._slot += 1
            self._core.share(0, self._slot, 0, self._prompt_tokens)
            for place, (token, following) in enumerate(pairwise(tokens)):
                if len(self._entries) == most:
                    self._flush()
                position = self._prompt_tokens + place
                self._entries.append(Entry(token, position, self._slot, True))
                self._expected.append((index, following))
        self._restart()

    def _restart(self) -> None:
        self._flush()
        for slot in range(1, self._slot + 1):
            self._core.forget(slot)
        self._slot = 0

    def _flush(self) -> None:
        if not self._entries:
            return
        stop_if_cancelled(self._cancellation)
        rows = self._core.decode(self._entries, self._cancellation)
        for (index, token), logits in zip(self._expected, rows, strict=True):
            self._sums[index] += float(logits[token]) - log_normaliser(logits)
        self._entries.clear()
        self._expected.clear()
