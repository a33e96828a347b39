"""What the model would write at each place of the forced answers asked about last.

A search asks for a few branches of a function, and for more of them if those did not mend it. The
second question then needs no logits of the function, so nothing of it has to be read again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from runtime.sampling import Logits, likeliest, log_normaliser

# Each takes some 100 KB for a function of 300 tokens.
_MOST = 64


class Key(NamedTuple):
    """Whose question it was, and the tokens of prompt and forced answer."""

    owner: str
    prompt: tuple[int, ...]
    forced: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Log-probabilities (nats) at one place: of the forced token and of the likeliest ones."""

    forced: float
    likeliest: tuple[tuple[int, float], ...]


def place(logits: Logits, forced: int, count: int) -> Place:
    """What is to be kept of a row of logits."""
    normaliser = log_normaliser(logits)
    best = [(token, float(logits[token]) - normaliser) for token in likeliest(logits, count)]
    return Place(float(logits[forced]) - normaliser, tuple(best))


class Memory:
    """The places of the last questions; what was asked longest ago is forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, tuple[int, dict[int, Place]]] = OrderedDict()

    def find(self, key: Key, count: int) -> dict[int, Place]:
        """Places by index of the forced token, with at least ``count`` alternatives each."""
        kept, places = self._known.get(key, (0, {}))
        return dict(places) if kept >= count else {}

    def keep(self, key: Key, count: int, places: dict[int, Place]) -> None:
        """Remember places with ``count`` alternatives each."""
        self._known[key] = (count, places)
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
