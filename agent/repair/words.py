"""Words and places in what people, tests and interpreters write."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d]\w*")
PART = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
"""A word of a name in snake or camel case."""
PLACE = re.compile(r"""([\w./\\-]+\.\w+)["']?(?:, line |:)(\d+)""")
"""A file with a line number in a traceback: `"a/b.py", line 3`, `a/b.py:3`."""

QUOTED = re.compile(r"""(["'])([^\W\d]\w{2,})\1""")
"""A text in quotes that could be a key or a name."""


def heads(text: str) -> set[str]:
    """First words of a file that tests could name; cheap, and only to choose files."""
    return set(WORD.findall(text[:200_000]))


def name_words(name: str) -> set[str]:
    """`TestParser::test_readLines` has the words `parser`, `read` and `lines`."""
    return {word.lower() for word in PART.findall(name)} - {"test"}
