"""Unified diffs that `git apply` takes, for any bytes without NUL."""

from __future__ import annotations

import difflib
import io

CONTEXT = 3
_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def unified(path: str, before: bytes | None, after: bytes | None) -> bytes:
    """The change of one file; `None` is a file that does not exist. Empty if nothing changed."""
    if before == after:
        return b""
    old, new = _name("a/" + path), _name("b/" + path)
    header = [b"diff --git %s %s\n" % (old, new)]
    if before is None:
        header.append(b"new file mode 100644\n")
    elif after is None:
        header.append(b"deleted file mode 100644\n")
    if b"\0" in (before or b"") + (after or b""):
        return b"".join([*header, b"Binary files %s and %s differ\n" % (old, new)])
    hunks = _hunks(_lines(before), _lines(after))
    if not hunks:  # an empty file came or went: git wants its object ids in place of hunks
        ids = (b"0000000", b"e69de29") if before is None else (b"e69de29", b"0000000")
        return b"".join([*header, b"index %s..%s\n" % ids])
    header += [
        b"--- %s\n" % (b"/dev/null" if before is None else _ended(old)),
        b"+++ %s\n" % (b"/dev/null" if after is None else _ended(new)),
    ]
    return b"".join([*header, *hunks])


def _lines(data: bytes | None) -> list[bytes]:
    return io.BytesIO(data or b"").readlines()  # at \n only, unlike bytes.splitlines


def _hunks(before: list[bytes], after: list[bytes]) -> list[bytes]:
    # Equal ends are cut off first: the matcher is slow on files of 100,000 lines.
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    first = max(0, start - CONTEXT)
    tail = max(0, end - CONTEXT)
    old, new = before[first : len(before) - tail], after[first : len(after) - tail]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > 2000)
    return [_hunk(group, old, new, first) for group in matcher.get_grouped_opcodes(CONTEXT)]


def _common(left: list[bytes], right: list[bytes]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _hunk(
    group: list[tuple[str, int, int, int, int]], old: list[bytes], new: list[bytes], offset: int
) -> bytes:
    first, last = group[0], group[-1]
    body = [
        b"@@ -%s +%s @@\n"
        % (_range(first[1] + offset, last[2] + offset), _range(first[3] + offset, last[4] + offset))
    ]
    for kind, old_start, old_end, new_start, new_end in group:
        if kind == "equal":
            body += [_line(b" ", line) for line in old[old_start:old_end]]
            continue
        body += [_line(b"-", line) for line in old[old_start:old_end]]
        body += [_line(b"+", line) for line in new[new_start:new_end]]
    return b"".join(body)


def _range(start: int, end: int) -> bytes:
    length = end - start
    # An empty range is named by the line before it.
    return b"%d,%d" % (start + 1 if length else start, length)


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + _NO_NEWLINE


def _name(path: str) -> bytes:
    """`path` as git writes it: quoted like a C string if it has unusual bytes."""
    data = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in data):
        return data
    quoted = bytearray(b'"')
    for byte in data:
        if byte in b'"\\':
            quoted += b"\\" + bytes([byte])
        else:
            quoted += bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte
    return bytes(quoted) + b'"'


def _ended(name: bytes) -> bytes:
    """A tab ends a name with a space in it, lest its rest be taken for a date."""
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name
