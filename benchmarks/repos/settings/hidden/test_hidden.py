import copy

import pytest

from layered import SettingsError, load, merge
from layered.convert import convert
from layered.schema import DEFAULTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("false", False),
        ("False", False),
        ("no", False),
        ("0", False),
        ("", False),
        (" On ", True),
        ("1", True),
        (1, True),
        (0, False),
        (False, False),
    ],
)
def test_truth(text: object, expected: bool) -> None:
    assert convert(bool, text, "x") is expected


def test_debug_switched_off_by_the_environment() -> None:
    settings = load(environment={"APP_DEBUG": "false", "APP_DATABASE__ECHO": "on"})
    assert settings.debug is False
    assert settings.database.echo is True


def test_neither_true_nor_false() -> None:
    with pytest.raises(SettingsError, match="debug: 'maybe' is not true or false"):
        load(environment={"APP_DEBUG": "maybe"})


def test_loading_does_not_change_the_defaults() -> None:
    before = copy.deepcopy(DEFAULTS)
    load(environment={"APP_DATABASE__URL": "postgres://db"})
    assert before == DEFAULTS
    assert load().database.url == "sqlite://"


def test_three_layers_deep() -> None:
    low = {"a": {"b": {"c": 1, "d": 1}}}
    high = {"a": {"b": {"c": 2}}}
    top = {"a": {"b": {"e": 3}}}
    assert merge(low, high, top) == {"a": {"b": {"c": 2, "d": 1, "e": 3}}}
    assert low == {"a": {"b": {"c": 1, "d": 1}}}
    assert high == {"a": {"b": {"c": 2}}}


def test_result_shares_no_mapping_with_a_layer() -> None:
    low: dict = {"a": {"x": {}}}
    merge(low)["a"]["x"]["y"] = 1
    assert low == {"a": {"x": {}}}
