"""Folders in each other, deeper than Python can go or the name of a path can be long."""

from __future__ import annotations

import os
from pathlib import Path


def nest(place: Path, name: str, depth: int) -> None:
    """So many folders of that name below `place`."""
    here = os.open(place, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
