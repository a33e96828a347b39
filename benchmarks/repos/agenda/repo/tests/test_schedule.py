import pytest

from agenda import Daily, Every, Once


@pytest.mark.parametrize(
    ("schedule", "minute", "expected"),
    [
        (Once(5), 4, 5),
        (Once(5), 5, None),
        (Every(10), -1, 0),
        (Every(10), 0, 10),
        (Every(10, start=3), 12, 13),
        (Every(10, start=3), 13, 23),
        (Every(10, until=20), 10, 20),
        (Every(10, until=20), 20, None),
        (Daily("07:30"), 0, 450),
        (Daily("07:30"), 450, 1890),
        (Daily("00:00"), 1439, 1440),
    ],
)
def test_next_after(schedule, minute: int, expected: int | None) -> None:
    assert schedule.next_after(minute) == expected


def test_interval_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Every(0)
