"""A repository's own tests, run without us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
ENVIRONMENT: Mapping[str, str] = {
    "PYTHONDONTWRITEBYTECODE": "1",
    # Importing the plugins that we are developed with takes longer than most of these tests.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


def run_suite(repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """pytest on a repository in a process of its own, which leaves nothing behind."""
    return subprocess.run(
        [*PYTEST, *options],
        cwd=repository,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
