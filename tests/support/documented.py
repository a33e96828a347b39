"""The commands that the documentation tells its reader to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECIPES = (ROOT / "docs" / "ci" / "gitlab.yml", ROOT / ".pre-commit-hooks.yaml")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+ [^`\n]+)`")
_PROGRAMS = ("agent ", "make ", "python ", "git ", "unshare ")
_PLACES = (
    ("/opt/locum/.venv/bin/", ""),
    (".venv/bin/", ""),
    ("~/src/my-project", "."),
    ("./repo", "."),
    (" PATH", " ."),
)
"""What a page calls a repository of its reader's: all of these are the folder of the test."""


def lines(page: Path) -> Iterator[str]:
    """Every command of a page in one form: all lines of shell blocks, and spans in the text that
    begin with a program.
    """
    text = page.read_text("utf-8")
    for language, block in _BLOCK.findall(text):
        if language in ("sh", "bash"):
            yield from map(plain, block.replace("\\\n", " ").strip().splitlines())
    for span in _SPAN.findall(_BLOCK.sub("", text)):
        if (line := plain(span)).startswith(_PROGRAMS):
            yield line


def recipes() -> Iterator[str]:
    """What the GitLab job and the hooks for pre-commit run of ours."""
    gitlab, hooks = (yaml.safe_load(path.read_text("utf-8")) for path in RECIPES)
    found: list[Any] = [*gitlab["mend"]["script"], *(hook["entry"] for hook in hooks)]
    yield from (line for line in map(plain, found) if line.startswith("agent "))


def plain(line: str) -> str:
    """Without prompt and comment, blanks made one, and the reader's repository as `.`."""
    line = " ".join(re.sub(r"\s#.*", "", line.strip().removeprefix("$ ")).split())
    for place, here in _PLACES:
        line = line.replace(place, here)
    return line
