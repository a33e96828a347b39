"""Choosing tokens from logits: greedy, temperature, top-k, top-p and min-p, all seeded."""

from collections import Counter
from typing import Protocol

import numpy as np
import numpy.typing as npt

from runtime.engine_api import Sampling, TokenScore

Logits = npt.NDArray[np.float32]

# Shares of the whole mass below which tokens are left out of sorting, coarse to fine: sorting a
# vocabulary of 152,000 takes 17 ms, the few hundred above the coarse share 0.1 ms.
_SHARES = (1e-3, 1e-5, 0.0)
# Weights that are added up at once: a draw from a vocabulary takes 0.36 ms beside a busy model, and
# 3.0 ms with all of them added one by one, which was 2.5 % of the time of 32 samples.
_BLOCK = 512
# Nats below the likeliest token within which there are mostly some dozens of others.
_NEAR = 10.0


def log_normaliser(logits: Logits) -> float:
    """The number to subtract from a logit to get its log-probability."""
    peak = float(logits.max())
    return peak + float(np.log(np.exp(logits - np.float32(peak)).sum(dtype=np.float64)))


def likeliest(logits: Logits, count: int) -> list[int]:
    """The ``count`` tokens with the highest logits, best first."""
    count = min(count, len(logits))
    if not count:
        return []
    near = np.flatnonzero(logits > logits.max() - np.float32(_NEAR))
    if len(near) < count:
        # The model is sure. Sorting all of the vocabulary would take 16 ms, this takes 1 ms.
        near = np.flatnonzero(logits >= np.partition(logits, -count)[-count])
    order = np.argsort(-logits[near], kind="stable")[:count]
    return [int(token) for token in near[order]]


class Pieces(Protocol):
    """Gives the bytes of tokens."""

    def piece(self, token: int) -> bytes:
        """Empty for a control token."""


def token_score(pieces: Pieces, logits: Logits, token: int, count: int) -> TokenScore:
    """How likely a token is, with the ``count`` likeliest in its place."""
    normaliser = log_normaliser(logits)
    return TokenScore(
        token,
        pieces.piece(token),
        float(logits[token]) - normaliser,
        tuple(
            (other, pieces.piece(other), float(logits[other]) - normaliser)
            for other in (likeliest(logits, count) if count else ())
        ),
    )


class Sampler:
    """Draws the tokens of one sample; two samplers with equal settings draw alike."""

    def __init__(self, sampling: Sampling, index: int) -> None:
        self._sampling = sampling
        seed = None if sampling.seed is None else (sampling.seed + index) % 2**64
        self._random = np.random.default_rng(seed)
        self._counts: Counter[int] = Counter()
        self._penalised = (
            sampling.repeat_penalty != 1
            or sampling.frequency_penalty != 0
            or sampling.presence_penalty != 0
        )

    @property
    def plain(self) -> bool:
        """Whether the choice is simply the likeliest token."""
        settings = self._sampling
        return settings.temperature <= 0 and not self._penalised and not settings.logit_bias

    def choose(self, logits: Logits, allowed: npt.NDArray[np.bool_] | None = None) -> int:
        """The next token, among those ``allowed``; counts for later penalties once accepted."""
        logits = self._shifted(logits)
        if allowed is not None:
            logits = np.where(allowed[: len(logits)], logits, np.float32(-np.inf))
        if self._sampling.temperature <= 0:
            return int(logits.argmax())
        return self._draw(logits)

    def accept(self, token: int) -> None:
        """The token was taken."""
        if self._penalised:
            self._counts[token] += 1

    def _shifted(self, logits: Logits) -> Logits:
        """The logits after bias and penalties, as OpenAI and llama.cpp define them."""
        settings = self._sampling
        if not settings.logit_bias and not self._counts:
            return logits
        logits = logits.copy()
        for token, count in self._counts.items():
            value = float(logits[token])
            value = (
                value / settings.repeat_penalty if value > 0 else value * settings.repeat_penalty
            )
            value -= count * settings.frequency_penalty + settings.presence_penalty
            logits[token] = value
        for token, bias in settings.logit_bias.items():
            if 0 <= token < len(logits):
                logits[token] += np.float32(bias)
        return logits

    def _draw(self, logits: Logits) -> int:
        scaled = (logits - logits.max()) / np.float32(self._sampling.temperature)
        weights = np.exp(scaled, dtype=np.float32)
        tokens = self._allowed(weights)
        at = _drawn(weights if tokens is None else weights[tokens], self._random.random())
        return at if tokens is None else int(tokens[at])

    def _allowed(self, weights: Logits) -> npt.NDArray[np.intp] | None:
        """The tokens that the filters leave, likeliest first; None for all."""
        settings = self._sampling
        if settings.top_k <= 0 and settings.top_p >= 1 and settings.min_p <= 0:
            return None
        total = float(weights.sum(dtype=np.float64))
        for share in _SHARES:
            tokens = np.flatnonzero(weights >= max(share * total, settings.min_p))
            kept = weights[tokens].astype(np.float64)
            if settings.min_p >= share * total:
                break  # nothing was left out that min_p would keep
            if settings.top_k > 0:
                if len(tokens) >= settings.top_k:
                    break
            elif settings.top_p < 1 and kept.sum() >= settings.top_p * total:
                break
        order = np.argsort(-kept, kind="stable")
        tokens, kept = tokens[order], kept[order]
        if settings.top_k > 0:
            tokens, kept = tokens[: settings.top_k], kept[: settings.top_k]
        if settings.top_p < 1:
            # The smallest set that reaches top_p: a token stays while those before it do not.
            before = np.cumsum(kept) - kept
            mass = kept.sum() if settings.top_k > 0 else total
            tokens = tokens[before < settings.top_p * mass]
        return tokens


def _drawn(weights: Logits, share: float) -> int:
    """The position at which that share of the weights' sum, 0 to 1, is reached.

    Never one that weighs nothing, however the sums are rounded: a grammar may forbid it.
    """
    sums = np.cumsum(np.add.reduceat(weights, np.arange(0, len(weights), _BLOCK)), dtype=np.float64)
    wanted = share * sums[-1]
    block = min(int(np.searchsorted(sums, wanted, side="right")), len(sums) - 1)
    first = block * _BLOCK
    part = weights[first : first + _BLOCK]
    before = sums[block - 1] if block else 0.0
    at = int(np.searchsorted(np.cumsum(part, dtype=np.float64), wanted - before, side="right"))
    return first + min(at, int(np.flatnonzero(part)[-1]))
