"""Editing the changed files by hand, in the editor that the user named."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from agent.approval import ApprovalRequest


async def edited(app: App[Any], request: ApprovalRequest) -> dict[str, str]:
    """Whole new texts of the files that were changed in the editor; empty when none was.

    What cannot be done is said in a notification.
    """
    command = editor()
    if not command:
        app.notify("Set $EDITOR to the editor that you want.", severity="warning")
        return {}
    before = _texts(Path(request.copy), request.files)
    with tempfile.TemporaryDirectory(prefix="locum-edit-") as folder:
        for name, text in before.items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8", "surrogateescape", newline="")
        try:
            with app.suspend():
                subprocess.run([*command, *before], cwd=folder, check=False)
        except SuspendNotSupported:
            app.notify("A browser has no terminal for an editor.", severity="warning")
            return {}
        except OSError as error:
            app.notify(f"{command[0]}: {error.strerror}.", severity="error", markup=False)
            return {}
        after = _texts(Path(folder), request.files)
    return {name: text for name, text in after.items() if text != before[name]}


def editor() -> list[str]:
    """`$VISUAL`, else `$EDITOR`, else one that most machines have; empty when there is none."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        return shlex.split(chosen)
    found = next((name for name in ("nano", "vi") if shutil.which(name)), "")
    return [found] if found else []


def _texts(root: Path, names: tuple[str, ...]) -> dict[str, str]:
    """By name, line ends and undecodable bytes kept; a removed file is left out."""
    return {
        name: (root / name).read_bytes().decode("utf-8", "surrogateescape")
        for name in names
        if (root / name).is_file()
    }
