from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.repair.python.language import PythonLanguage
from agent.repair.python.templates import TOTAL, PythonTemplates
from agent.repair.seams import Suspect

LANGUAGE = PythonLanguage()
ROOT = Path(__file__).parents[4]


def suspect_of(source: str, name: str, lines: dict[int, float] | None = None) -> Suspect:
    span = next(s for s in LANGUAGE.spans(source) if s.name == name)
    return Suspect(
        path="m.py",
        name=name,
        first_line=span.first_line,
        last_line=span.last_line,
        score=1.0,
        lines=lines or {},
    )


def function(body: str, signature: str = "f(a, b, items)") -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"def {signature}:\n{lines}"


def test_suspicious_lines_come_first():
    source = function("x = a + b\ny = a + b\nreturn x + y")
    edits = PythonTemplates().edits(source, suspect_of(source, "f", {2: 0.2, 3: 1.0, 4: 0.2}))
    first = next(iter(edits))
    assert first.line == 3


def test_the_weights_of_a_function_add_up_to_the_same():
    source = function("x = a + b\nreturn x")
    for lines in ({}, {2: 0.2, 3: 1.0}):
        edits = list(PythonTemplates().edits(source, suspect_of(source, "f", lines)))
        assert TOTAL / 2 < sum(edit.weight for edit in edits) <= TOTAL


def test_module_level_constants_can_be_edited():
    source = "RATE = 10\n\n\ndef f(a):\n    return a * RATE\n"
    whole = Suspect(
        path="m.py", name="<module>", first_line=1, last_line=5, score=1.0, lines={1: 1.0}
    )
    texts = {edit.apply(source) for edit in PythonTemplates().edits(source, whole)}
    assert source.replace("10", "11") in texts
    assert not any("def f" not in text for text in texts)


def test_a_missing_colon_or_bracket_is_mended():
    for broken, fix in [
        ("def f(a)\n    return a\n", "def f(a):\n    return a\n"),
        ("x = (1\ny = 2\n", "x = (1)\ny = 2\n"),
    ]:
        whole = Suspect(path="m.py", name="<module>", first_line=1, last_line=2, score=1.0)
        assert fix in [edit.apply(broken) for edit in PythonTemplates().edits(broken, whole)]


NAMES = st.sampled_from(["a", "b", "items", "self.x", "größe", "d['k']", "items[0]", "items[1:-1]"])
EXPRESSIONS = st.recursive(
    NAMES | st.sampled_from(["0", "1", "2.5", "'naïve 日本'", "None", "True", "[]", "not a", "-b"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "&", "|"]), inner).map(
            " ".join
        ),
        st.tuples(inner, st.sampled_from(["<", "<=", "==", "is not", "not in"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map(lambda e: f"g({e}, key=a)"),
        inner.map(lambda e: f"max({e},\n   b)  "),
        inner.map(lambda e: f"[x for x in items if ({e})]"),
        inner.map(lambda e: f"(f'{{a}} and {{b!r}}', {e})"),
    ),
    max_leaves=3,
)
SIMPLE = st.one_of(
    EXPRESSIONS.map(lambda e: f"a = ({e})  # why: é"),
    EXPRESSIONS.map(lambda e: f"b += ({e})"),
    EXPRESSIONS.map(lambda e: f"return ({e})"),
    st.sampled_from(
        [
            "items.append(a)",
            "a, b = b, a",
            "raise ValueError(a)",
            "pass",
            "a = 1; b = 2",
            "items[a] = re.sub(r'é.b*$', f'ü{a!r}', b)",
            "del items[a]",
            "items.sort(key=lambda x: b)",
            "b = a.get('ü', 0) or {x for x in items if isinstance(x, (int, str))}",
        ]
    ),
)


def block(lines: list[str], header: str, tab: str) -> str:
    return "\n".join([header, *(tab + row for line in lines for row in line.split("\n"))])


STATEMENTS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(
        block,
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from(
            [
                "if a:",
                "for x in range(b):",
                "while not a:",
                "with g(a) as h:",
                "if a == 'é':\n    b = a\nelse:",
                "try:\n    g(a)\nexcept (KeyError, ValueError):",
            ]
        ),
        st.sampled_from(["  ", "    ", "\t"]),
    ),
    max_leaves=2,
)


@st.composite
def modules(draw: st.DrawFn) -> str:
    body = draw(st.lists(STATEMENTS, min_size=1, max_size=2))
    indent = draw(st.sampled_from(["    ", "\t", "  "]))
    rows = [indent + row for statement in body for row in statement.split("\n")]
    head = draw(st.sampled_from(["", "# ümlaut 日本\n", '"""Doc."""\n', "\ufeff"]))
    signature = draw(
        st.sampled_from(["def f(self, a, b=[], *items):", "async def f(a, b, items):"])
    )
    text = head + "\n".join([signature, *rows]) + draw(st.sampled_from(["\n", "", "\n\nX = 1\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@settings(max_examples=20, deadline=None)
@given(modules())
def test_edits_parse_keep_the_rest_and_are_undone_exactly(source: str):
    if not LANGUAGE.parses(source):
        return
    plain = LANGUAGE.fingerprint(source.removeprefix("\ufeff"))
    shapes = set()
    edits = list(PythonTemplates().edits(source, suspect_of(source, "f")))
    for edit in (*edits[:80], *edits[80::9]):
        text = edit.apply(source)
        assert LANGUAGE.parses(text)
        assert text[: edit.start] == source[: edit.start]
        assert text[edit.start + len(edit.text) :] == source[edit.end :]
        assert edit.undo(source).apply(text) == source
        shape = LANGUAGE.fingerprint(text.removeprefix("\ufeff"))
        assert shape != plain
        assert shape not in shapes
        assert edit.weight > 0
        shapes.add(shape)


def test_the_number_of_a_default_comes_behind_others():
    source = "def f(a, limit=2):\n    return a[:3]\n"
    edits = PythonTemplates().edits(source, suspect_of(source, "f"))
    texts = [e.apply(source) for e in edits if e.operator == "number-off-by-one"]
    assert [text.count("limit=2") for text in texts] == [1, 1, 0, 0]


def test_the_order_is_the_same_every_time():
    source = function("if a < b:\n    return items[a]\nreturn g(a, b) + 1")
    templates, suspect = PythonTemplates(), suspect_of(source, "f")
    first, again = (list(islice(templates.edits(source, suspect), 300)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("body", "mend", "never"),
    [
        ("return range(1, a)", "return range(0, a)", "(0)"),
        ("return range(len(a) - 1)", "return range(len(a))", "- 0"),
        ("return a % 1.0 + 1.0", "return a % 1.0", "1.0 + 0.0\n"),
        ("return (a + b) * 3", "return a + (b * 3)", "return (a + (b * 3))"),
        ("return a * (b + 3)", "return a * (b + 2)", "a * b + 2"),
    ],
)
def test_no_edit_leaves_parentheses_or_terms_that_say_nothing(body: str, mend: str, never: str):
    source = function(body)
    edits = PythonTemplates().edits(source, suspect_of(source, "f"))
    found = {edit.apply(source) for edit in edits}
    assert source.replace(body, mend) in found
    assert not [text for text in found if never in text]


def test_comments_stay_where_statements_are_put_into_a_block():
    source = function("b = items.send(a)  # may fail\n# at last\na.release(b)\nreturn b")
    mend = function(
        "try:\n    b = items.send(a)  # may fail\n"
        "finally:\n    # at last\n    a.release(b)\nreturn b"
    )
    assert mend in {
        e.apply(source) for e in PythonTemplates().edits(source, suspect_of(source, "f"))
    }


def test_code_of_every_shape_can_be_edited():
    """No operator stumbles over what real code looks like."""
    count = 0
    for path in sorted((ROOT / "tui").rglob("*.py"))[::5]:
        source = path.read_text(encoding="utf-8")
        for span in LANGUAGE.spans(source):
            count += sum(1 for _ in PythonTemplates().edits(source, suspect_of(source, span.name)))
    assert count > 1000
