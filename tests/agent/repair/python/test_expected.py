"""Which errors a test wants raised."""

import pytest

from agent.repair.python.language import PythonLanguage

CASES = {
    "with pytest.raises(ValueError):\n    f()": ("ValueError()",),
    "with pytest.raises(errors.Bad, match='no name'):\n    f()": ("Bad('no name')",),
    "with pytest.raises((KeyError, IndexError)):\n    f()": ("KeyError()", "IndexError()"),
    "with pytest.raises(Bad, match=r'^a\\.b\\(1\\)$'):\n    f()": ("Bad('a.b(1)')",),
    "with pytest.raises(Bad, match=re.escape('a (b)')):\n    f()": ("Bad('a (b)')",),
    "with pytest.raises(Bad, match='a.*b'):\n    f()": ("Bad()",),
    "self.assertRaises(Bad, f, 1)": ("Bad()",),
    "with self.assertRaisesRegex(Bad, 'no name'):\n    f()": ("Bad('no name')",),
    "assert f() == 1": (),
}


@pytest.mark.parametrize("body", CASES)
def test_wanted_errors_are_read_from_the_test(body: str):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"def test_f():\n{lines}\n\ndef test_other():\n    pytest.raises(OSError, f)\n"
    assert PythonLanguage().expected_errors(source, "tests/test_m.py::test_f") == CASES[body]


def test_a_test_that_is_not_there_wants_nothing():
    assert PythonLanguage().expected_errors("def test_f(:", "tests/test_m.py::test_f") == ()
