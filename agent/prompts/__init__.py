"""Words for the model, kept out of the code."""

from __future__ import annotations

from importlib import resources


def prompt(name: str) -> str:
    """The text of `<name>.md` beside this file, without its last newline."""
    return resources.files(__name__).joinpath(f"{name}.md").read_text("utf-8").rstrip("\n")
