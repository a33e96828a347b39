"""Nothing that steers a terminal or hides from a reader survives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.text import head_and_tail, one_line, strip_control


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hx", "x"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]52;c;c2VjcmV0\x07b", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x9b31mb\x9d0;t\x9cc", "abc"),
        ("a\x1b(0b\x1bcd", "abd"),
        ("\x1b", ""),
        ("a\x1b]unterminated\nb", "a\nb"),
        ("x\u202egnp.exe", "xgnp.exe"),
        ("\u2066a\u2069", "a"),
        ("a\u200b\u200d\ufeffb", "ab"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("a\bb\x07\0\x7f", "ab"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("tüte 名 — …", "tüte 名 — …"),
        ("\ud800x", "x"),
    ],
)
def test_strips(dirty: str, clean: str) -> None:
    assert strip_control(dirty) == clean


@settings(database=None)
@given(st.text())
def test_nothing_dangerous_is_ever_left(text: str) -> None:
    clean = strip_control(text)
    clean.encode()
    assert all(c in "\t\n" or unicodedata.category(c) != "Cc" for c in clean)
    assert not set(clean) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200e\u200f")
    assert strip_control(clean) == clean


def test_one_line_and_cutting() -> None:
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert head_and_tail("short", 100) == "short"
    cut = head_and_tail("a" * 50 + "b" * 50, 20)
    assert cut == "a" * 10 + "\n… 80 characters left out …\n" + "b" * 10
