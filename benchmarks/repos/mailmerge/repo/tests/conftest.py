from dataclasses import dataclass

import pytest


@dataclass
class Person:
    name: str
    city: str
    languages: tuple[str, ...] = ()


@pytest.fixture
def people() -> list[Person]:
    return [Person("ada", "London", ("en", "fr")), Person("grace", "New York")]
