"""Text from repositories and models made safe to print, record and paste."""

from __future__ import annotations

import re

_STRINGS = re.compile(
    # DCS, SOS, OSC, PM, APC with their payload: terminals act on all of it up to ST or BEL.
    # An unterminated one swallows nothing but its introducer and its own line.
    r"(?:\x1b[P\]X^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]+[0-~]?"  # charset and other nF escapes
    r"|\x1b[0-~]?"  # all two-character escapes, and a lone ESC
)
_CHARACTERS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, fillers, joiners
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff"  # lone surrogates cannot be encoded
    "\U000e0000-\U000e0fff"  # tags and variation selectors: invisible ASCII
    "]"
)


def strip_control(text: str) -> str:
    """`text` without anything that steers a terminal or hides from a reader.

    Removed: ANSI, OSC, DCS and C1 sequences, control characters but tab and newline,
    bidirectional overrides, zero-width and tag characters. Line ends become `\\n`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _STRINGS.sub("", text)
    text = _SEQUENCES.sub("", text)
    return _CHARACTERS.sub("", text)


def one_line(text: str, limit: int = 200) -> str:
    """`text` as one printable line of at most `limit` characters, cut with an ellipsis."""
    line = " ".join(strip_control(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def head_and_tail(text: str, limit: int) -> str:
    """`text` cut in its middle to about `limit` characters, saying how many are missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
