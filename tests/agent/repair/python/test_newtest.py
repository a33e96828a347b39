"""Test files made of a model's answer: what they hold, where they go, and what never gets in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.repair.python.language import PythonLanguage
from agent.repair.python.newtest import PythonTestWriter
from agent.repair.reproduce import Example
from agent.repair.seams import Suspect

Write = Callable[[Mapping[str, str]], Path]
WRITER = PythonTestWriter()
MONEY = "CENTS = 100\n\n\ndef parse_price(text):\n    return float(text)\n\n\nclass Purse:\n    def put(self, x):\n        return x\n"  # noqa: E501
TESTS = (
    "import pytest\n\nfrom shop.money import Purse\n\n\n"
    "def test_purse():\n    assert Purse().put(1) == 1\n\n\n"
    "def test_other():\n    assert True\n"
)
EXAMPLE = Example("tests/test_money.py", TESTS)
PATHS = ("tests/test_money.py",)


@pytest.fixture
def root(write: Write) -> Path:
    return write({"src/shop/money.py": MONEY, "tests/test_money.py": TESTS})


def suspect(name: str) -> Suspect:
    span = next(s for s in PythonLanguage().spans(MONEY) if s.name == name)
    return Suspect(
        path="src/shop/money.py",
        name=name,
        first_line=span.first_line,
        last_line=span.last_line,
        score=1.0,
    )


SUSPECTS = (suspect("parse_price"), suspect("Purse.put"))


def drafts(root: Path, answer: str, example: Example = EXAMPLE) -> list[str]:
    return list(WRITER.drafts(answer, root, example, PATHS, SUSPECTS))


def test_the_module_is_named_as_the_tests_name_it(root: Path) -> None:
    (text,) = drafts(
        root,
        "```python\nfrom your_module import parse_price\n\n"
        'def test_comma():\n    """Words."""\n    assert parse_price("1,5") == 1.5\n```',
    )
    assert text == (
        "from shop.money import parse_price\n\n\n"
        "def test_parse_price():\n    assert parse_price('1,5') == 1.5\n"
    )


def test_a_function_that_the_answer_defines_again_is_not_what_is_tested(root: Path) -> None:
    answer = (
        "def parse_price(t):\n    return 0\n\ndef test_a():\n    assert parse_price('1') == 1\n"
    )
    (text,) = drafts(root, answer)
    assert "def parse_price" not in text
    assert "from shop.money import parse_price" in text


def test_each_assertion_becomes_a_test_of_its_own(root: Path) -> None:
    answer = (
        "import pytest\n"
        "def test_a():\n"
        "    price = parse_price('1')\n"
        "    assert price == 1\n"
        "    assert price > 0\n"
        "    with pytest.raises(ValueError):\n"
        "        parse_price('x')\n"
    )
    texts = drafts(root, answer)
    assert [text.count("assert") + text.count("raises") for text in texts] == [1, 1, 1]
    assert all("price = parse_price('1')" in text for text in texts)
    assert ["import pytest" in text for text in texts] == [False, False, True]


def test_equal_tests_of_two_samples_are_equal_texts(root: Path) -> None:
    one = "def test_a():\n    # words\n    assert parse_price('1') == 1\n"
    other = 'from x import parse_price\ndef test_b():\n    assert (parse_price("1") == 1)\n'
    assert drafts(root, one) == drafts(root, other) != []


def test_methods_are_kept_as_methods_where_the_tests_are_classes(root: Path) -> None:
    answer = "def test_a():\n    assert parse_price('1') == 1\n"
    (text,) = drafts(root, answer, Example("tests/test_money.py", TESTS, in_class=True))
    assert "class ReportedParsePriceTest(unittest.TestCase):" in text
    assert "def test_parse_price(self):" in text
    answer = "class T:\n    def test_a(self):\n        self.assertEqual(parse_price('1'), 1)\n"
    assert "import unittest" in drafts(root, answer)[0]


@pytest.mark.parametrize(
    "body",
    [
        "import os\n    os.system('rm -rf ~')",
        "__import__('os').system('id')",
        "open('/etc/passwd')",
        "eval('1')",
        "getattr(Purse, 'put')",
        "assert parse_price.__globals__",
        "assert Purse().os.system('id')",
        "assert random._os.getcwd()",
        "assert Purse().put('__subclasses__')",
        "pytest.importorskip('subprocess')",
        "assert subprocess.run(['id'])",
        "assert helper(1)",
        "global x\n    x = 1",
    ],
)
def test_what_reaches_beyond_the_repositorys_code_is_left_out(root: Path, body: str) -> None:
    imports = "import os, random, subprocess, pytest\nfrom shop.money import os, Purse\n"
    good = "def test_b():\n    assert random.random() < 1 < parse_price('2')\n"
    texts = drafts(root, f"{imports}def test_a():\n    {body}\n\n{good}")
    assert len(texts) == 1, "positive control: the other test is kept"
    assert "import random" in texts[0]


@pytest.mark.parametrize("answer", ["", "no code", "```python\ndef test_a(:\n```", "x = 1\n"])
def test_answers_without_a_test_give_none(root: Path, answer: str) -> None:
    assert drafts(root, answer) == []


def test_a_file_is_never_put_over_another(root: Path) -> None:
    taken = {"tests/test_reported_parse_price.py"}
    path = WRITER.path(EXAMPLE, SUSPECTS[0], taken.__contains__)
    assert path == "tests/test_reported_parse_price_2.py"
    assert WRITER.path(EXAMPLE, SUSPECTS[0], lambda _: False) in taken, "positive control"
    behind = Example("pkg/money_test.py", "")
    assert WRITER.path(behind, SUSPECTS[1], lambda _: False) == "pkg/reported_put_test.py"


def test_hostile_names_make_plain_file_names() -> None:
    odd = SUSPECTS[0].model_copy(update={"name": "Ünï.__../../évil__"})
    path = WRITER.path(EXAMPLE, odd, lambda _: False)
    assert path.startswith("tests/test_reported_")
    assert path.isascii()
    assert ".." not in path


def test_the_example_is_the_test_that_names_the_suspect(root: Path) -> None:
    found = WRITER.example(root, PATHS, (suspect("Purse.put"),))
    assert found is not None
    assert "def test_purse" in found.text
    assert "from shop.money import Purse" in found.text
    assert WRITER.example(root, (), SUSPECTS) is None


def test_the_model_sees_the_code_and_how_to_import_it(root: Path) -> None:
    shown = WRITER.subject(root, PATHS, SUSPECTS)
    assert "`from shop.money import parse_price`" in shown
    assert "def parse_price(text):" in shown
    assert "class Purse:" in shown


def test_modules_that_no_test_imports_are_named_by_their_packages(write: Write) -> None:
    root = write({"lib/a/__init__.py": "", "lib/a/b.py": "x = 1\n", "c.py": "x = 1\n"})
    assert WRITER.module(root, "lib/a/b.py", ()) == "a.b"
    assert WRITER.module(root, "c.py", ()) == "c"
