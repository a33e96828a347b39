import pytest

from agent.repair.python.language import PythonLanguage

LANGUAGE = PythonLanguage()
TRICKY = (
    '\ufeff# é\r\n@dec("ü", x=[1])\r\n@b\r\nclass Ä:\r\n'
    '\tdef é(self):\r\n\t\tö = "日本"; return ö\r\n\r\n'
    "async def f():\r\n  def g(): pass\r\n  return g"
)


def test_spans_hold_decorators_methods_and_nested_functions_to_the_character():
    texts = {s.name: TRICKY[s.start : s.end] for s in LANGUAGE.spans(TRICKY)}
    assert list(texts) == ["Ä", "Ä.é", "f", "f.g"]
    assert texts["Ä"].startswith('@dec("ü"')
    assert texts["Ä.é"] == 'def é(self):\r\n\t\tö = "日本"; return ö'
    assert texts["f"].startswith("async def f")
    assert texts["f"].endswith("return g")
    assert texts["f.g"] == "def g(): pass"


def test_lines_are_counted_as_the_interpreter_counts_them():
    source = "x = 1\x0c\ny = 2\rdef f():\r\n    pass\n"
    (span,) = LANGUAGE.spans(source)
    assert (span.first_line, span.last_line) == (3, 4)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("tests/helpers.py", True),
        ("pkg/test/data.py", True),
        ("test_a.py", True),
        ("src/a_test.py", True),
        ("conftest.py", True),
        ("src/latest.py", False),
        ("contest.py", False),
        ("src/attest/core.py", False),
    ],
)
def test_test_files_are_known_by_their_path(path: str, answer: bool):
    assert LANGUAGE.is_test(path) is answer


def test_fingerprint_ignores_layout_and_comments_only():
    one = "def f(a):  # why\n    return (a +\n            1)\n"
    assert LANGUAGE.fingerprint(one) == LANGUAGE.fingerprint("def f( a ):\n\treturn a+1")
    assert LANGUAGE.fingerprint(one) != LANGUAGE.fingerprint("def f(a):\n    return a + 2\n")


def test_fingerprint_of_indented_lines_is_that_of_the_code():
    body = "    def f(self):\n        return 1\n"
    assert LANGUAGE.fingerprint(body) == LANGUAGE.fingerprint(body.replace("1\n", "1  # one\n"))


@pytest.mark.parametrize("source", ["def f(:\n", "x = \0", "(" * 5000, "x = '\n"])
def test_what_does_not_parse_has_no_spans_and_raises_nothing(source: str):
    assert not LANGUAGE.parses(source)
    assert LANGUAGE.spans(source) == ()


def test_bytes_of_another_encoding_do_not_shift_offsets():
    source = b"# caf\xe9\ndef f(): return '\xe9'\nx = 1\n".decode("utf-8", "surrogateescape")
    (span,) = LANGUAGE.spans(source)
    assert source[span.start : span.end] == "def f(): return '\udce9'"


def test_invalid_escapes_do_not_warn():
    assert LANGUAGE.parses("x = '\\d'\n")
