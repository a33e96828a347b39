"""The lower bound on tokens, held against a real tokenizer; and what is kept of an upstream."""

from pathlib import Path

import pytest

from runtime.engine import LlamaEngine
from runtime.proxy.counting import fewest_tokens
from runtime.proxy.quirks import Known, Memory, Quirk, known

HERE = Path(__file__)
TEXTS = {
    "code": HERE.read_text("utf-8"),
    "prose": "It doesn't matter, does it? Well — 'perhaps' (1,234.5 times) so…  " * 20,
    "names": "snake_case camelCase __dunder__ a.b.c x[y](z) {'k': \"v\"}, **rest\n" * 20,
    "numbers": "1 22 333 4444 55555 3.14 0xff\n" * 20,
    "other scripts": "Привет, мир! 你好世界。 مرحبا بالعالم ｶﾀｶﾅ " * 20,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_is_a_lower_bound_and_not_far_below(engine: LlamaEngine, text: str) -> None:
    exact = len(engine.tokenize(text))
    assert fewest_tokens([text]) * 0.9 <= exact
    assert fewest_tokens([text]) > exact / 12


def test_empty_text_has_no_tokens() -> None:
    assert fewest_tokens(["", "  \n"]) == 0


def test_what_was_seen_is_kept_and_rubbish_beside_it_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "upstreams"
    assert list(known(folder)) == []
    memory = Memory("http://a/v1", None, folder)
    memory.note(Quirk.STREAM)
    memory.note(Quirk.STREAM)
    memory.note(Quirk.DONE)
    (folder / "other.json").write_text('{"upstream": 1}')
    (folder / "broken.json").write_text("{")
    assert list(known(folder)) == [Known("http://a/v1", (Quirk.DONE, Quirk.STREAM))]
