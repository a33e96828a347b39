import pytest

from mailmerge import Template, TemplateError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("Dear {{ name }},", "Dear Ada,"),
        ("{{ name | upper }}!", "ADA!"),
        ("{{address.city}}", "London"),
        ("{{ nickname | default:friend }}", "friend"),
        ("{% if name %}yes{% else %}no{% endif %}", "yes"),
        ("{% if not name %}yes{% else %}no{% endif %}", "no"),
    ],
)
def test_render(source: str, expected: str) -> None:
    assert Template(source).render(name="Ada", address={"city": "London"}) == expected


class TestLoop:
    def test_items(self, people) -> None:
        template = Template("{% for one in people %}{{ one.name }};{% endfor %}")
        assert template.render(people=people) == "ada;grace;"

    def test_empty(self) -> None:
        template = Template("{% for one in people %}x{% else %}nobody{% endfor %}")
        assert template.render(people=[]) == "nobody"

    def test_number(self, people) -> None:
        source = (
            "{% for one in people %}{{ loop.number }}"
            "{% if not loop.last %}, {% endif %}{% endfor %}"
        )
        assert Template(source).render(people=people) == "1, 2"

    def test_name_is_free_again_behind_the_loop(self, people) -> None:
        source = "{% for name in names %}{{ name }} {% endfor %}{{ name }}"
        assert Template(source).render(names=["a", "b"], name="Ada") == "a b Ada"

    def test_nested(self, people) -> None:
        source = (
            "{% for one in people %}{% for code in one.languages %}{{ one.name }}-{{ code }} "
            "{% endfor %}{% endfor %}"
        )
        assert Template(source).render(people=people) == "ada-en ada-fr "

    def test_needs_a_list(self) -> None:
        with pytest.raises(TemplateError, match="line 2: count is not a list"):
            Template("\n{% for one in count %}{% endfor %}").render(count=3)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ who }}", "line 1: who is not defined"),
        ("a\nb {{ who.name }}", "line 2: who.name is not defined"),
        ("{% if x %}", "endif is missing"),
        ("\n\n{% include y %}", "line 3: unknown tag 'include y'"),
        ("{{ a b }}", "not a name"),
    ],
)
def test_errors(source: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Template(source).render()
