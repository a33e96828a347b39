"""A mistake of our own in one part of the search: that part is left out and the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a programming error raises; what ends a run on purpose has types of its own."""

Hear = Callable[[str, Exception], None]
"""Is told of the part, in words, and of its mistake; from then on the caller goes on without."""


def raised(_: str, mistake: Exception) -> None:
    """For tests and tools: a mistake is not to be overlooked."""
    raise mistake


@contextmanager
def left_out(part: str, hear: Hear) -> Iterator[None]:
    """Inside, a mistake ends the block and no more."""
    try:
        yield
    except MISTAKES as mistake:
        hear(part, mistake)
