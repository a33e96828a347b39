import pytest

from exprcalc import FormulaError, evaluate, tokenize


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("-3 ** 2", -9),
        ("1 - 2 ** 2", -3),
        ("-2 ** 2 * 3", -12),
        ("2 ** -2", 0.25),
        ("(-2) ** 2", 4),
        ("4 ** 2 ** -1", 2),
        ("2 ** -1 ** 2", 0.5),
    ],
)
def test_sign_and_power(formula: str, value: float) -> None:
    assert evaluate(formula) == value


@pytest.mark.parametrize(
    ("source", "text"),
    [('"say ""hi"""', 'say "hi"'), ('""""', '"'), ('""', ""), ('"a""b""c"', 'a"b"c')],
)
def test_doubled_quotes(source: str, text: str) -> None:
    tokens = tokenize(source)
    assert [token.kind for token in tokens] == ["text", "end"]
    assert tokens[0].value == text


def test_doubled_quotes_in_a_formula() -> None:
    assert evaluate('"a""" & "b"') == 'a"b'


def test_columns_start_anew_on_each_line() -> None:
    places = [(token.line, token.column) for token in tokenize("aa\n\nbb c\n d")]
    assert places == [(1, 1), (3, 1), (3, 4), (4, 2), (4, 3)]


def test_place_of_an_error_on_a_later_line() -> None:
    with pytest.raises(FormulaError, match="unexpected '2' at 2:3"):
        evaluate("1 +\n1 2")
