import pytest

from layered.merge import merge, nest


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([], {}),
        ([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}),
        ([{"a": 1}, {"a": 2}, {"a": 3}], {"a": 3}),
        ([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}),
        ([{"a": {"x": 1}}, {"a": {"y": 2}}], {"a": {"x": 1, "y": 2}}),
        ([{"a": 1}, {"a": {"x": 2}}], {"a": {"x": 2}}),
        ([{"a": {"x": 2}}, {"a": None}], {"a": None}),
    ],
)
def test_merge(layers: list[dict], expected: dict) -> None:
    assert merge(*layers) == expected


def test_layers_are_left_alone() -> None:
    low, high = {"a": {"x": 1}}, {"a": {"x": 2}}
    merge(low, high)
    assert low == {"a": {"x": 1}}


def test_nest() -> None:
    assert nest("a", 1) == {"a": 1}
    assert nest("a__b__c_d", 1) == {"a": {"b": {"c_d": 1}}}
