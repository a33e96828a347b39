import pytest

from mailmerge import Template, TemplateError, filters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("<b>", "&lt;b&gt;"),
        ("Marks & Sons", "Marks &amp; Sons"),
    ],
)
def test_escape(text: str, expected: str) -> None:
    assert filters.escape(text) == expected


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [("short", "5", "short"), ("longer", "5", "long…"), ("two words", "5", "two…")],
)
def test_truncate(text: str, length: str, expected: str) -> None:
    assert filters.truncate(text, length) == expected


def test_join() -> None:
    assert Template("{{ names | join:/ }}").render(names=["a", "b"]) == "a/b"


@pytest.mark.parametrize(
    ("value", "expected"), [(3, "€3.00"), (-1234.5, "-€1,234.50"), ("0.999", "€1.00")]
)
def test_money(value: object, expected: str) -> None:
    assert filters.money(value) == expected


def test_unknown() -> None:
    with pytest.raises(TemplateError, match="no filter 'shout'"):
        Template("{{ name | shout }}").render(name="x")
