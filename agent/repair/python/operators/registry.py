"""Where operators are written down: a name, what they edit, and how usual such a fix is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.mined import MINED

Body = Callable[..., Iterator[Edit]]

YIELD = 0.000116
"""Fixes that one proposal of an operator with guess 1 made, over all operators of `MINED`."""
DOUBT = 1.0
"""Fixes that a guess counts for. Of 1, 2, 3, 5 and 10 the one that ranked the fixes of projects
which were not counted best: the right edit at a median of 128, with guesses alone at 250."""


@dataclass(frozen=True)
class Operator:
    name: str
    kinds: tuple[type[ast.AST], ...]
    guess: float
    """How usual such a fix looked before any was counted; only the order matters."""
    body: Body

    @property
    def prior(self) -> float:
        """How usual such a fix is, counted in public histories and smoothed by the guess."""
        hits, _, exposure = MINED.get(self.name, (0, 0, 0.0))
        return calibrated(self.guess, hits, exposure)

    def edits(self, node: ast.AST, context: Context) -> Iterator[Edit]:
        """Edits of one node; the prior is spread thinner the more alternatives there are."""
        found = list(self.body(node, context))
        share = self.prior / max(1.0, len(found) ** 0.5)
        for edit in found:
            yield Edit(edit.start, edit.end, edit.text, self.name, share * edit.weight, edit.line)


def calibrated(guess: float, hits: int, exposure: float) -> float:
    """Mean of the rate of hits per weighed proposal, in units of `YIELD`.

    Hits are taken as Poisson with a gamma prior around the guess: few counts say little.
    """
    return (hits + DOUBT) / (exposure + DOUBT / (guess * YIELD)) / YIELD


OPERATORS: list[Operator] = []


def operator(name: str, *kinds: type[ast.AST], prior: float) -> Callable[[Body], Body]:
    """Register `(node, context) -> Iterator[Edit]` for nodes of the given types."""

    def register(body: Body) -> Body:
        OPERATORS.append(Operator(name, kinds, prior, body))
        return body

    return register
