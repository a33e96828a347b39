"""Three texts into one, by git's own merge."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

_SECONDS = 20.0


def merge(base: str, ours: str, theirs: str) -> str | None:
    """`ours` with the changes from `base` to `theirs`; None where both change the same lines.

    Bytes that are not UTF-8 are kept. Raises OSError when git cannot be run.
    """
    if theirs == base:
        return ours
    if ours == base:
        return theirs
    with tempfile.TemporaryDirectory(prefix="locum-merge-") as folder:
        names = []
        for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(text.encode("utf-8", "surrogateescape"))
            names.append(name)
        done = subprocess.run(
            ["git", "merge-file", "-p", "-q", *names],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    # Its status is the number of conflicts, or an error's above 127.
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
