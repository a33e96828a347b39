"""Figures with a limit: how they are shown, and kept as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, and what it may be at most."""

    name: str
    value: float
    most: float
    unit: str
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.value < self.most


def told(figures: Sequence[Figure], file: Path | None) -> int:
    """Print a table, write JSON where asked to; 1 when a figure is above its limit, else 0."""
    for one in figures:
        mark = "ok" if one.good else "TOO MUCH"
        print(
            f"{one.name:<32} {one.value:>8.3f} {one.unit:<3} (under {one.most:g}) {mark:<9}"
            f" {one.detail}"
        )
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = {"processors": os.cpu_count(), "figures": [asdict(one) for one in figures]}
        file.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    return 0 if all(one.good for one in figures) else 1
