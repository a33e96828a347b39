from datetime import date

import pytest

from lending import Book, Library, Member

DUNE = Book("111", "Dune")
EMMA = Book("222", "Emma", weeks=2)


@pytest.fixture
def day() -> date:
    return date(2024, 2, 1)


@pytest.fixture
def library() -> Library:
    """A library with one copy of Dune and two of Emma, and three members."""
    library = Library()
    library.acquire(DUNE)
    library.acquire(EMMA, 2)
    for name in ("ada", "bob", "cy"):
        library.enrol(Member(name, limit=2))
    return library
