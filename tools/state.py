"""Where the user's state is kept: locks, the stop file, runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def state_directory() -> Path:
    """`$LOCUM_STATE`, or the user's state directory for locum."""
    chosen = os.environ.get("LOCUM_STATE")
    return Path(chosen) if chosen else platformdirs.user_state_path("locum")
