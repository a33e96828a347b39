from pathlib import Path

import pytest

from layered import SettingsError
from layered.convert import convert
from layered.schema import Level


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        (int, "7", 7),
        (float, "0.5", 0.5),
        (str, "x", "x"),
        (bool, True, True),
        (bool, "yes", True),
        (bool, "off", False),
        (bool, "0", False),
        (bool, "", False),
        (Level, "Debug", Level.DEBUG),
        (Path | None, "a/b", Path("a/b")),
        (Path | None, None, None),
        (tuple[str, ...], "a, b", ("a", "b")),
        (tuple[int, ...], ["1", 2], (1, 2)),
    ],
)
def test_convert(wanted, value: object, expected: object) -> None:
    assert convert(wanted, value, "x") == expected


@pytest.mark.parametrize(
    ("wanted", "value", "message"),
    [
        (int, "many", "x: 'many' is not a whole number"),
        (bool, "maybe", "x: 'maybe' is not true or false"),
        (Level, "loud", "x: 'loud' is not one of debug, info, warning"),
    ],
)
def test_errors(wanted, value: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        convert(wanted, value, "x")
