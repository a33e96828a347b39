"""The run's record on disk: append-only JSON lines, each with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.redaction import redact_values

GENESIS = "0" * 64


class Record:
    """Appends to one file; a line has left the process before `write` returns.

    So a killed process loses nothing; `sync` makes the lines survive a power cut too. Several
    threads may write.

    Every line is an object with `seq`, `time` (Unix seconds), `kind`, `data`, `prev` and `hash`:
    the SHA-256 of the line's canonical JSON without `hash`. Changing or removing any line breaks
    the chain from there on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seq, self._prev = _tail(path)
        # Text of files that are not UTF-8 holds lone surrogates.
        self._file = path.open("a", encoding="utf-8", errors="surrogatepass")

    def close(self) -> None:
        self._file.close()

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def write(self, kind: str, **data: Any) -> None:
        """Append one line; secrets in `data` are left out."""
        kept = redact_values(data)
        with self._lock:
            entry = {
                "seq": self._seq,
                "time": round(time.time(), 3),
                "kind": kind,
                "data": kept,
                "prev": self._prev,
            }
            text = _canonical(entry)
            self._prev = _hashed(text)
            self._seq += 1
            self._file.write(f'{text[:-1]},"hash":"{self._prev}"}}\n')
            self._file.flush()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a record. A last line cut off by a crash is not one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def verify(path: Path) -> str:
    """Empty when the chain holds, else one sentence that names the first bad line."""
    prev, number = GENESIS, 0
    try:
        for entry in read(path):
            number += 1
            if entry["prev"] != prev or entry["hash"] != _digest(entry):
                return f"Line {number} of {path} was changed, or a line before it was removed."
            prev = entry["hash"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return f"Line {number + 1} of {path} is not a line of a record any more."
    return ""


def _digest(entry: Mapping[str, Any]) -> str:
    return _hashed(_canonical({key: value for key, value in entry.items() if key != "hash"}))


def _canonical(bare: Mapping[str, Any]) -> str:
    return json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hashed(canonical: str) -> str:
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _tail(path: Path) -> tuple[int, str]:
    """Where to go on: drops a last line that a crash cut off."""
    seq, prev, length = 0, GENESIS, 0
    if not path.exists():
        return seq, prev
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                entry = json.loads(line)
                seq, prev = entry["seq"] + 1, entry["hash"]
                length += len(line)
    os.truncate(path, length)
    return seq, prev
