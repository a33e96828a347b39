"""Text of repositories, people and models as Markdown that shows it and does nothing else."""

from __future__ import annotations

import re

from tools.text import one_line

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_REFERENCE = re.compile(r"([@#][\w/-]+)")
"""What a forge would turn into a mention or a link to an issue."""


def plain(text: str, limit: int = 400) -> str:
    """`text` as one line that Markdown shows as it is: no markup, mention or reference in it."""
    pieces = _REFERENCE.split(one_line(text, limit))
    return "".join(code(p) if i % 2 else _SPECIAL.sub(r"\\\1", p) for i, p in enumerate(pieces))


def code(text: str) -> str:
    """`text` as a code span, whatever backticks it holds."""
    line = one_line(text, 300)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else "``  ``"


def fenced(text: str, language: str) -> str:
    """`text` as a fenced block that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def sentence(text: str) -> str:
    """A sentence of ours as Markdown: it quotes code in backticks, and nothing else is markup."""
    pieces = one_line(text, 400).split("`")
    if len(pieces) % 2 == 0:
        return plain(text)
    return "".join(_piece(piece) if i % 2 == 0 else code(piece) for i, piece in enumerate(pieces))


def _piece(text: str) -> str:
    """Like `plain`, keeping the spaces at its ends."""
    body = text.strip()
    if not body:
        return text and " "
    return f"{' ' * text.startswith(' ')}{plain(body)}{' ' * text.endswith(' ')}"
