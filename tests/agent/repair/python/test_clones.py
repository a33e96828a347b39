from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agent.repair.edit import edited_files
from agent.repair.python.clones import PythonClones

Write = Callable[[Mapping[str, str]], Path]
MONEY = '''\
def money(amount, symbol="$"):
    """Write an amount."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}"
'''
UTILS = '"""Shared."""\n\n\n' + MONEY
ACCOUNT = (
    '"""Accounts."""\n\nimport json\n\n\n# Copied.\n' + MONEY + "\n\nclass Account:\n    pass\n"
)


def found(write: Write, files: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Edited text by copy."""
    root = write(files)
    clones = PythonClones().find(root, files)
    return {clone.key: edited_files(clone.candidate.splices, files)[clone.path] for clone in clones}


def test_a_copy_becomes_an_import_and_the_rest_stays(write: Write):
    edited = found(write, {"utils.py": UTILS, "account.py": ACCOUNT})
    assert edited == {
        ("account.py", "money"): '"""Accounts."""\n\nimport json\n\nfrom utils import money\n\n\n'
        "class Account:\n    pass\n"
    }


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from .other import thing\n", "from .other import thing\nfrom .utils import money\n"),
        (
            "from bank.other import thing\n",
            "from bank.other import thing\nfrom bank.utils import money\n",
        ),
        ("from bank.utils import zero\n", "from bank.utils import money, zero\n"),
    ],
)
def test_the_import_is_written_as_its_neighbours_write_it(
    write: Write, statement: str, expected: str
):
    files = {
        "bank/__init__.py": "",
        "bank/other.py": "thing = 1\n",
        "bank/utils.py": UTILS + "\n\nzero = 0\n",
        "bank/account.py": statement + "\n\n" + MONEY + "\n\nx = money(1)\n",
    }
    (text,) = found(write, files).values()
    assert text == expected + "\n\nx = money(1)\n"


def test_renamed_locals_and_comments_do_not_hide_a_copy(write: Write):
    other = MONEY.replace("sign", "prefix").replace("Write an amount.", "Other words.")
    assert found(write, {"utils.py": UTILS, "a.py": other + "\n\nx = 1\n"})


def test_a_copy_at_the_end_of_a_file_leaves_one_line_end(write: Write):
    (text,) = found(write, {"utils.py": UTILS, "a.py": "x = 1\r\n\r\n\r\n" + MONEY}).values()
    assert text == "from utils import money\r\n\r\nx = 1\r\n"


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(ACCOUNT.replace(",.2f", ",.3f"), id="another body"),
        pytest.param(ACCOUNT.replace('="$"', '="€"'), id="another default"),
        pytest.param(ACCOUNT.replace("def money", "@cache\ndef money"), id="a decorator"),
        pytest.param(ACCOUNT + "\n\ndef abs(x):\n    return x\n", id="another global"),
        pytest.param(ACCOUNT + "\n\nmoney = print\n", id="bound again"),
    ],
)
def test_what_is_not_the_same_stays(write: Write, account: str):
    assert found(write, {"utils.py": UTILS, "account.py": account}) == {}


def test_no_import_cycle_is_made(write: Write):
    files = {"utils.py": "import account\n" + UTILS, "account.py": ACCOUNT}
    edited = found(write, files)
    assert list(edited) == [("utils.py", "money")]
    both = files | {"account.py": ACCOUNT.replace("import json", "import utils")}
    assert found(write, both) == {}


def test_constants_of_the_module_must_be_equal(write: Write):
    rounding = "def cents(amount):\n    total = amount * FACTOR\n    return round(total + 0.5)\n"
    same = {"utils.py": "FACTOR = 100\n" + rounding, "a.py": "FACTOR = 100\n" + rounding}
    assert list(found(write, same)) == [("a.py", "cents")]
    assert found(write, same | {"a.py": "FACTOR = 10\n" + rounding}) == {}


def test_tests_and_vendored_code_are_left_alone(write: Write):
    assert found(write, {"utils.py": UTILS, "tests/a.py": ACCOUNT, "vendor/b.py": ACCOUNT}) == {}
