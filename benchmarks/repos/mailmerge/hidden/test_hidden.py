import pytest

from mailmerge import Template, TemplateError, filters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("&lt;", "&amp;lt;"),
        ("<a&b>", "&lt;a&amp;b&gt;"),
        (7, "7"),
    ],
)
def test_escape(text: object, expected: str) -> None:
    assert filters.escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…"), ("", "")]
)
def test_truncate(text: str, expected: str) -> None:
    assert filters.truncate(text, "4") == expected


def test_loop_variable_shadows_only_inside() -> None:
    source = "{{ x }}{% for x in xs %}{{ x }}{% endfor %}{{ x }}"
    assert Template(source).render(x="o", xs=[1, 2]) == "o12o"


def test_loop_variable_is_unknown_behind_the_loop() -> None:
    with pytest.raises(TemplateError, match="x is not defined"):
        Template("{% for x in xs %}{% endfor %}{{ x }}").render(xs=[1])


def test_outer_loop_counts_on_behind_an_inner_one() -> None:
    source = (
        "{% for row in rows %}{% for cell in row.cells %}{{ cell }}{% endfor %}"
        "={{ loop.number }};{% endfor %}"
    )
    rows = [{"cells": [1, 2, 3]}, {"cells": (4, 5)}]
    assert Template(source).render(rows=rows) == "123=1;45=2;"


def test_a_template_renders_twice_alike() -> None:
    template = Template("{% for x in xs %}{{ x | escape }}{% endfor %}{{ x | default:- }}")
    assert template.render(xs=["&"]) == template.render(xs=["&"]) == "&amp;-"
