"""How often each template operator makes exactly the edit that a public project made.

    python -m benchmarks.mine_operators MIRRORS [--exclude FILE] [--until 2024-12-01] [--write]

MIRRORS holds bare repositories as NAME/repo. FILE is a JSON list of objects whose `fix_commit`s
must not be looked at. Prints the share of fixes that any operator makes and the rank of the right
edit among its function's edits; `--write` puts the counts into the table that operators are
weighed by.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from agent.repair.python.language import PythonLanguage
from agent.repair.python.operators import OPERATORS
from agent.repair.python.operators.registry import calibrated
from agent.repair.python.templates import proposals
from agent.repair.seams import Suspect
from benchmarks.fix_pairs import FixPair, fix_pairs

TABLE = Path(__file__).parents[1] / "agent/repair/python/operators/mined.py"
PER_REPOSITORY = 80
WORKERS = 2
NEAR = (1, 10, 30, 100, 300)
BESIDES = re.compile(r"[\s()'\",\\]+")
"""Characters in which texts of one tree may differ."""

TABLE_TEXT = '''"""How often each operator made the fix of a public project.

Written by `benchmarks.mine_operators`, not by hand.

Counted in {fixes} small fixes before {until} from {places} repositories.
"""

MINED: dict[str, tuple[int, int, float]] = {{
{rows}
}}
"""Operator: hits, proposals, and proposals weighed within the operator."""
'''

LANGUAGE = PythonLanguage()


Integers = np.ndarray[tuple[int], np.dtype[np.int64]]
Weights = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Trial:
    """All edits of the function of one fix; the three arrays run in parallel."""

    pair: FixPair
    operators: Integers
    """Places in OPERATORS."""
    weights: Weights
    """Within the operator, its prior left out."""
    texts: Integers
    """A number for the text that each edit leads to."""
    right: int | None
    """Number of the fixed text; None when no operator writes it."""

    def rank(self, priors: Weights) -> int | None:
        """1-based place of the right edit among different texts, the heaviest first."""
        if self.right is None:
            return None
        best = np.zeros(int(self.texts.max()) + 1)
        np.maximum.at(best, self.texts, priors[self.operators] * self.weights)
        return int(np.sum(best > best[self.right])) + 1


@dataclass(frozen=True)
class Counts:
    """By place in OPERATORS."""

    hits: Integers
    """Fixes that the operator makes."""
    proposals: Integers
    exposure: Weights
    """Proposals, each counted by its weight within its operator."""

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Counts:
        size = len(OPERATORS)
        hits, proposals = np.zeros(size, np.int64), np.zeros(size, np.int64)
        exposure = np.zeros(size)
        for one in trials:
            if one.right is not None:
                hits[np.unique(one.operators[one.texts == one.right])] += 1
            proposals += np.bincount(one.operators, minlength=size)
            exposure += np.bincount(one.operators, one.weights, minlength=size)
        return cls(hits, proposals, exposure)

    def priors(self) -> Weights:
        rows = zip(OPERATORS, self.hits, self.exposure, strict=True)
        return np.array([calibrated(op.guess, int(hits), float(seen)) for op, hits, seen in rows])

    def rows(self) -> list[tuple[str, int, int, float]]:
        """Operator, hits, proposals and exposure, the most hits first."""
        names = [op.name for op in OPERATORS]
        every = zip(names, self.hits.tolist(), self.proposals.tolist(), self.exposure.tolist(),
                    strict=True)  # fmt: skip
        return sorted(every, key=lambda row: (-row[1], row[0]))


def trial(pair: FixPair) -> Trial | None:
    """Edits of a function without any evidence on its lines; None when it is not found."""
    span = next((s for s in LANGUAGE.spans(pair.before) if s.name == pair.name), None)
    if span is None:
        return None
    suspect = Suspect(path="m.py", name=pair.name, first_line=span.first_line,
                      last_line=span.last_line, score=1.0)  # fmt: skip
    places = {op.name: place for place, op in enumerate(OPERATORS)}
    priors = [op.prior for op in OPERATORS]
    wanted, fingerprint = _bare(pair.after), LANGUAGE.fingerprint(pair.after)
    own = pair.before[span.start : span.end]
    kept = np.cumsum([0, *(not BESIDES.match(character) for character in own)])
    bare, right = _bare(own), None
    numbers: dict[str, int] = {bare: 0}
    found: list[tuple[int, float, int]] = []
    for edit in proposals(pair.before, suspect):
        first, last = edit.start - span.start, min(edit.end - span.start, len(own))
        if not 0 <= first <= last:
            continue
        key = bare[: kept[first]] + _bare(edit.text) + bare[kept[last] :]
        number = numbers.setdefault(key, len(numbers))
        if right is None and key == wanted:
            text = own[:first] + edit.text + own[last:]
            right = number if _flat(text, pair.before, span.start) == fingerprint else None
        place = places[edit.operator]
        found.append((place, edit.weight / priors[place], number))
    operators, weights, texts = zip(*found, strict=True) if found else ((), (), ())
    return Trial(pair, np.array(operators, np.int64), np.array(weights, float),
                 np.array(texts, np.int64), right)  # fmt: skip


def _bare(text: str) -> str:
    return BESIDES.sub("", text)


def _flat(text: str, source: str, start: int) -> str:
    """Fingerprint of a function that may stand indented."""
    margin = source[source.rfind("\n", 0, start) + 1 : start]
    return LANGUAGE.fingerprint(re.sub(rf"^{margin}", "", text, flags=re.MULTILINE))


def folds(trials: Sequence[Trial]) -> Iterator[tuple[Trial, Weights]]:
    """Each fix with priors counted in the other half of the repositories."""
    names = sorted({one.pair.repository for one in trials})
    for part in (0, 1):
        held = set(names[part::2])
        priors = Counts.of(one for one in trials if one.pair.repository not in held).priors()
        yield from ((one, priors) for one in trials if one.pair.repository in held)


def report(trials: Sequence[Trial]) -> str:
    guessed = np.array([op.guess for op in OPERATORS])
    covered = [one for one in trials if one.right is not None]
    sizes = [len(np.unique(one.texts)) for one in trials]
    lines = [
        f"{len(trials)} fixes, {len(covered) / len(trials):.1%} made by an operator",
        f"edits of a function: median {median(sizes):.0f}, largest {max(sizes)}",
    ]
    for label, tried in (
        ("guessed", [(one, guessed) for one in covered]),
        ("counted in other repositories", list(folds(trials))),
    ):
        ranks = [rank for one, priors in tried if (rank := one.rank(priors))]
        near = ", ".join(f"{sum(rank <= n for rank in ranks)} within {n}" for n in NEAR)
        middle = f"{median(ranks):.0f}" if ranks else "-"
        lines.append(f"rank of the right edit, priors {label}: median {middle}; {near}")
    return "\n".join(lines)


def table(trials: Sequence[Trial], until: str) -> str:
    """Source text of the module that operators are weighed by."""
    lines = [
        f'    "{name}": ({hits}, {seen}, {exposure:.1f}),'
        for name, hits, seen, exposure in Counts.of(trials).rows()
        if seen
    ]
    places = len({one.pair.repository for one in trials})
    return TABLE_TEXT.format(fixes=len(trials), until=until, places=places, rows="\n".join(lines))


def _mined(job: tuple[Path, str, frozenset[str]]) -> list[Trial]:
    mirror, until, excluded = job
    found = []
    for pair, _ in zip(fix_pairs(mirror, until, excluded), range(PER_REPOSITORY), strict=False):
        tried = trial(pair)
        if tried is not None:
            found.append(tried)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--exclude", type=Path)
    parser.add_argument("--until", default="2024-12-01")
    parser.add_argument("--write", action="store_true", help="write the table")
    asked = parser.parse_args()
    known = json.loads(asked.exclude.read_text()) if asked.exclude else []
    excluded = frozenset(one["fix_commit"] for one in known)
    jobs = [(path, asked.until, excluded) for path in sorted(asked.mirrors.glob("*/repo"))]
    with ProcessPoolExecutor(WORKERS) as pool:
        trials = [one for found in pool.map(_mined, jobs) for one in found]
    print(report(trials))
    for name, hits, seen, _ in Counts.of(trials).rows():
        print(f"{hits:5} of {seen:8} {name}")
    if asked.write:
        TABLE.write_text(table(trials, asked.until))


if __name__ == "__main__":
    main()
