"""Guesses of what comes next, looked up in what stands before: prompt-lookup decoding.

An answer that copies much of its prompt, as an edited function does, repeats long stretches of
it. The tokens that followed the same words last time are run together with the next token and
kept as far as the model agrees (prompt lookup decoding, Saxena 2023; speculative decoding,
Leviathan et al., arXiv 2211.17192).
"""

from collections.abc import Sequence

import numpy as np

from runtime.sampling import Logits

# Tokens that must have been the same before a guess is made; shorter matches are chance.
_MATCH = 6
# A guess of 15 costs as much as about 5 single tokens on the CPU, one of 31 as much as 9.
_LENGTHS = (7, 15, 31)
_FIRST_WAIT, _LONGEST_WAIT = 8, 256
# Several tokens of one sequence go through another attention kernel than one: their logits
# differ by up to 0.9 (measured). Where the two best are closer, the token is decoded alone.
MARGIN = 2.0


class Drafts:
    """Guesses for one sample; stops guessing for a while when guesses turn out wrong."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = list(tokens)
        self._seen: dict[tuple[int, ...], int] = {}
        for end in range(_MATCH, len(self._tokens)):
            self._seen[tuple(self._tokens[end - _MATCH : end])] = end
        self._written = 0
        self._level = 1
        self._misses = 0
        self._wait = 0
        self.proposed = 0
        self.accepted = 0

    def follow(self, written: Sequence[int]) -> None:
        """All that the sample has written so far; only grows."""
        for token in written[self._written :]:
            if len(self._tokens) >= _MATCH:
                self._seen[tuple(self._tokens[-_MATCH:])] = len(self._tokens)
            self._tokens.append(token)
            self._wait = max(0, self._wait - 1)
        self._written = len(written)

    def propose(self, most: int) -> list[int]:
        """What may come next, at most so many tokens; usually nothing."""
        if self._wait:
            return []
        at = self._seen.get(tuple(self._tokens[-_MATCH:]))
        return [] if at is None else self._tokens[at : at + min(most, _LENGTHS[self._level])]

    def judge(self, proposed: int, accepted: int) -> None:
        """So many tokens of the last guess were right."""
        self.proposed += proposed
        self.accepted += accepted
        if accepted == proposed:
            self._level = min(self._level + 1, len(_LENGTHS) - 1)
            self._misses = 0
        elif 2 * accepted < proposed:
            self._level = max(0, self._level - 1)
            self._wait = min(_LONGEST_WAIT, _FIRST_WAIT << self._misses)
            self._misses += 1


def certain(logits: Logits) -> bool:
    """Whether the likeliest token would be the same one in any batch."""
    best = int(logits.argmax())
    peak = logits[best]
    rest = max(float(part.max()) for part in (logits[:best], logits[best + 1 :]) if len(part))
    return bool(np.isfinite(peak)) and float(peak) - rest >= MARGIN
