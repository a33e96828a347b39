import pytest

from exprcalc import FormulaError, tokenize


def kinds(source: str) -> list[str]:
    return [token.kind for token in tokenize(source)]


def test_kinds() -> None:
    assert kinds('A1 <= 2.5 & "x"') == ["name", "symbol", "number", "symbol", "text", "end"]


@pytest.mark.parametrize(
    ("source", "value"),
    [("12", "12"), (".5", ".5"), ("**", "**"), ("<>", "<>"), ('"a b"', "a b"), ('"2"""', '2"')],
)
def test_value(source: str, value: str) -> None:
    assert tokenize(source)[0].value == value


def test_places() -> None:
    places = [(token.line, token.column) for token in tokenize("a +\n  b")]
    assert places == [(1, 1), (1, 3), (2, 3), (2, 4)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1.2.3", "not a number"),
        ("a $", r"unexpected '\$' at 1:3"),
        ('"open', "without end at 1:1"),
    ],
)
def test_errors(source: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        tokenize(source)
