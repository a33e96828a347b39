import pytest

from exprcalc import FormulaError, evaluate, parse
from exprcalc.tree import Binary, Literal, Name


def test_tree() -> None:
    assert parse("a + 2") == Binary("+", Name("a"), Literal(2.0))


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("8 / 4 / 2", 1),
        ("- - 3", 3),
    ],
)
def test_arithmetic(formula: str, value: float) -> None:
    assert evaluate(formula) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("SUM(A1, A2, 3)", 10),
        ("average(A1, A2)", 3.5),
        ("A1 < A2", False),
        ('IF(A1 > 3, "big", 1 / 0)', "big"),
        ("round(10 / 3, 2)", 3.33),
        ('A1 & " of " & 7.5', "5 of 7.5"),
        ("Name & A2", "Ada2"),
    ],
)
def test_cells_and_functions(formula: str, value: object) -> None:
    assert evaluate(formula, {"A1": 5.0, "A2": 2.0, "Name": "Ada"}) == value


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("1 / 0", "division by zero"),
        ("B7", "no cell B7"),
        ("nope(1)", "no function nope"),
        ('1 + "a"', "wrong kind of value"),
        ("(1", r"expected \) at 1:3"),
        ("1 +", "unexpected end at 1:4"),
        ("1 2", "unexpected '2' at 1:3"),
    ],
)
def test_errors(formula: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        evaluate(formula)
