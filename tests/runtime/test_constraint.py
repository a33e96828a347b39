"""Answers that follow a schema or a grammar, and input that only means harm."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.constraint import MOST_CHARACTERS, MOST_DEPTH, Guide, Guides, GuideVocabulary
from runtime.engine_api import BadGrammar, Constraint, EngineError

END = 256
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


class Bytes:
    """A vocabulary of single bytes."""

    def guide_vocabulary(self) -> GuideVocabulary:
        return GuideVocabulary([bytes([byte]) for byte in range(256)] + [b"<end>"], [END], [END])


@pytest.fixture(scope="module")
def guides() -> Guides:
    return Guides(Bytes())


def follows(guide: Guide, text: str) -> bool:
    """Whether the text, and then the end, is what the grammar asks for."""
    for byte in text.encode():
        if not guide.allows(byte):
            return False
        guide.accept(byte)
    return guide.allows(END)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('{"name": "Ada", "age": 36}', True),
        ('{"name": "Ada"}', False),
        ('{"name":    "Ada", "age": 36}', False),
        ('{"name": "Ada", "age": "36"}', False),
        ('{"name": "Ada", "age": 36, "more": 1}', False),
    ],
)
def test_a_schema_is_followed(guides: Guides, text: str, right: bool) -> None:
    assert follows(guides.start(Constraint("json_schema", json.dumps(SCHEMA))), text) is right


@pytest.mark.parametrize(("text", "right"), [("yes", True), ("no", True), ("maybe", False)])
def test_a_grammar_is_followed(guides: Guides, text: str, right: bool) -> None:
    assert follows(guides.start(Constraint("gbnf", 'root ::= "yes" | "no"')), text) is right


def test_the_mask_is_what_the_check_allows(guides: Guides) -> None:
    guide = guides.start(Constraint("json_schema", json.dumps(SCHEMA)))
    for byte in b'{"name": "A", "age": ':
        allowed = guide.mask(260)
        assert [bool(allowed[token]) for token in range(257)] == [
            guide.allows(token) for token in range(257)
        ]
        assert not allowed[257:].any()
        guide.accept(byte)


def test_copies_go_their_own_ways(guides: Guides) -> None:
    first = guides.start(Constraint("gbnf", 'root ::= "ab" | "cd"'))
    second = first.copy()
    first.accept(ord("a"))
    assert np.flatnonzero(first.mask(257)).tolist() == [ord("b")]
    assert np.flatnonzero(second.mask(257)).tolist() == [ord("a"), ord("c")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json_schema", '{"type":"objec"}'),
        ("json_schema", "nonsense"),
        ("json_schema", "[1]"),
        ("json_schema", '{"$ref":"#/nowhere"}'),
        ("json_schema", '{"$ref":"#"}'),
        ("json_schema", '{"enum":[]}'),
        ("json_schema", '{"type":"string","pattern":"(a"}'),
        ("json_schema", '{"a":' * 5000 + "1" + "}" * 5000),
        ("json_schema", '{"x":"' + "a" * MOST_CHARACTERS + '"}'),
        ("gbnf", ""),
        ("gbnf", "root ::= missing"),
        ("gbnf", 'other ::= "a"'),
        ("gbnf", "root ::= x\nx ::= y\ny ::= x"),
        ("gbnf", "root ::= [a-"),
        ("gbnf", 'root ::= "\\x"'),
        ("gbnf", "root ::= " + "(" * 5000 + '"a"' + ")" * 5000),
        ("gbnf", "\0"),
        ("gbnf", 'root ::= "\ud800"'),
    ],
)
def test_a_bad_one_is_refused_in_a_sentence(guides: Guides, kind: str, text: str) -> None:
    with pytest.raises(BadGrammar) as caught:
        guides.start(Constraint(kind, text))  # type: ignore[arg-type]
    assert 10 < len(str(caught.value)) < 400
    assert follows(guides.start(Constraint("gbnf", 'root ::= "a"')), "a"), "others still work"


def test_nesting_up_to_the_bound_is_read(guides: Guides) -> None:
    depth = MOST_DEPTH - 2
    text = "root ::= " + "(" * depth + '"a"' + ")" * depth
    assert follows(guides.start(Constraint("gbnf", text)), "a")


@pytest.mark.parametrize(
    "text", ['{"type":"string","pattern":"(a|a)*(a|a)*(a|a)*b"}', '{"minItems":99999999}']
)
def test_endless_repeats_are_bounded_in_their_work(guides: Guides, text: str) -> None:
    guide = guides.start(Constraint("json_schema", text))
    with contextlib.suppress(EngineError):
        for _ in range(50):
            guide.accept(int(np.flatnonzero(guide.mask(257))[0]))


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["json_schema", "gbnf"]), st.text('{}[]()"\\:,|*+?=-rot ab1#$\n', max_size=60)
)
def test_whatever_comes_is_used_or_refused(kind: str, text: str) -> None:
    with contextlib.suppress(EngineError):
        Guides(Bytes()).start(Constraint(kind, text)).mask(257)  # type: ignore[arg-type]
