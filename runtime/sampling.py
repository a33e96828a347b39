"""Choosing tokens from logits: greedy, temperature, top-k, top-p and min-p, all seeded."""

import numpy as np
import numpy.typing as npt

from runtime.engine_api import Sampling

Logits = npt.NDArray[np.float32]

# Tokens this many nats below the best one (after temperature) share less than 1e-8 of the mass
# over any vocabulary, so the sorted filters need not look at them.
_NEGLIGIBLE = 30.0


def log_normaliser(logits: Logits) -> float:
    """The number to subtract from a logit to get its log-probability."""
    peak = float(logits.max())
    return peak + float(np.log(np.exp(logits - np.float32(peak)).sum(dtype=np.float64)))


def likeliest(logits: Logits, count: int) -> list[int]:
    """The ``count`` tokens with the highest logits, best first."""
    count = min(count, logits.shape[0])
    top = np.argpartition(logits, -count)[-count:]
    return [int(token) for token in top[np.argsort(-logits[top], kind="stable")]]


class Sampler:
    """Draws the tokens of one sample; two samplers with equal settings draw alike."""

    def __init__(self, sampling: Sampling, index: int) -> None:
        self._sampling = sampling
        seed = None if sampling.seed is None else (sampling.seed + index) % 2**64
        self._random = np.random.default_rng(seed)

    def choose(self, logits: Logits) -> int:
        """The next token."""
        if self._sampling.temperature <= 0:
            return int(logits.argmax())
        scaled = (logits - logits.max()) / np.float32(self._sampling.temperature)
        tokens = np.flatnonzero(scaled > -_NEGLIGIBLE)
        weights = np.exp(scaled[tokens], dtype=np.float64)
        tokens, weights = self._filtered(tokens, weights)
        reached = np.cumsum(weights)
        drawn = int(np.searchsorted(reached, self._random.random() * reached[-1], side="right"))
        return int(tokens[min(drawn, len(tokens) - 1)])

    def _filtered(
        self, tokens: npt.NDArray[np.intp], weights: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        settings = self._sampling
        if settings.min_p > 0:
            kept = weights >= settings.min_p * weights.max()
            tokens, weights = tokens[kept], weights[kept]
        if settings.top_k <= 0 and settings.top_p >= 1:
            return tokens, weights
        order = np.argsort(-weights, kind="stable")
        if settings.top_k > 0:
            order = order[: settings.top_k]
        if settings.top_p < 1:
            # The smallest set that reaches top_p: a token stays while those before it do not.
            before = np.cumsum(weights[order]) - weights[order]
            order = order[before < settings.top_p * weights[order].sum()]
        return tokens[order], weights[order]
