"""Is a model file the one it should be? Hashes it once and remembers the verdict beside it."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from runtime.errors import ModelCorrupt, ModelMissing

CHUNK = 4 << 20
# Real models declare a few hundred tensors and keys; the loader allocates what is declared.
MOST_ENTRIES = 100_000


def sha256(file: Path, on_bytes: Callable[[int], None]) -> str:
    """The hash of the whole file in hexadecimal; reports how many bytes were read."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            on_bytes(content.tell())
    return digest.hexdigest()


def known_good(file: Path, sha256: str) -> bool:
    """Whether this very file, unchanged since, had this hash: hashing a gigabyte takes seconds."""
    try:
        known = json.loads(_note(file).read_text())
    except (OSError, ValueError):
        return False
    return bool(known == _identity(file, sha256))


def hash_of(file: Path) -> str:
    """The file's hash: as remembered while it is unchanged, or computed now."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = str(json.loads(_note(file).read_text())["sha256"])
        if known_good(file, told):
            return told
    return sha256(file, lambda _: None)


def remember(file: Path, sha256: str) -> None:
    """Note that the file, as it is now, has this hash."""
    fresh = file.with_name(file.name + ".verified-new")
    # In a read-only shared cache nothing can be noted: every start verifies anew.
    with contextlib.suppress(PermissionError):
        fresh.write_text(json.dumps(_identity(file, sha256)))
        fresh.replace(_note(file))


def require_gguf(file: Path) -> Path:
    """The file, if its header is that of a GGUF model; raises ModelMissing or ModelCorrupt.

    For a file that the user names there is no pinned hash to hold it against.
    """
    if not file.is_file():
        raise ModelMissing(f"There is no model file {file}.")
    with file.open("rb") as content:
        head = content.read(24)
    version, *counts = (
        int.from_bytes(head[start:end], "little") for start, end in ((4, 8), (8, 16), (16, 24))
    )
    whole = len(head) == 24 and head.startswith(b"GGUF")
    if not whole or version not in (2, 3) or max(counts) > MOST_ENTRIES:
        raise ModelCorrupt(f"{file} is not a GGUF model file.")
    return file


def _note(file: Path) -> Path:
    return file.with_name(file.name + ".verified")


def _identity(file: Path, sha256: str) -> dict[str, int | str]:
    status = file.stat()
    return {
        "sha256": sha256,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }
