"""Bytes to text: whole characters, and never a piece of a stop string."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runtime.text_stream import TextStream


def run(data: bytes, cuts: list[int], stop: tuple[str, ...]) -> tuple[str, bool]:
    stream = TextStream(stop)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    said = "".join(stream.push(data[start:end]) for start, end in pairwise(places))
    said += stream.finish()
    assert said == stream.text
    return said, stream.stopped


def test_half_a_character_waits_for_its_other_half() -> None:
    stream = TextStream()
    euro = "€".encode()
    assert stream.push(b"a" + euro[:2]) == "a"
    assert stream.push(euro[2:]) == "€"


def test_half_a_stop_string_waits() -> None:
    stream = TextStream(("STOP",))
    assert stream.push(b"no ST") == "no "
    assert stream.push(b"AR ST") == "STAR "
    assert stream.push(b"OP more") == ""
    assert stream.stopped
    assert stream.push(b"more") == ""
    assert stream.text == "no STAR "


def test_what_was_held_back_comes_at_the_end() -> None:
    stream = TextStream(("STOP",))
    stream.push(b"half ST")
    assert stream.finish() == "ST"
    assert not stream.stopped


def test_a_character_that_never_ends_is_replaced() -> None:
    stream = TextStream()
    stream.push("€".encode()[:2])
    assert stream.finish() == "\N{REPLACEMENT CHARACTER}"


@given(
    st.text(alphabet="ab\n€", max_size=30),
    st.lists(st.integers(0, 60), max_size=10),
    st.lists(st.text(alphabet="ab\n€", min_size=1, max_size=3), max_size=3),
)
def test_the_text_ends_before_the_first_stop(text: str, cuts: list[int], stops: list[str]) -> None:
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    said, stopped = run(text.encode(), cuts, tuple(stops))
    assert stopped == bool(found)
    if len(stops) == 1 or not found:
        assert said == text[: min(found, default=len(text))]
    else:
        assert not any(stop in said for stop in stops)
