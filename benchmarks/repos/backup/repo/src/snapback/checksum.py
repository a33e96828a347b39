"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

CHUNK = 4096


def checksum(path: Path, chunk: int = CHUNK) -> str:
    """SHA-256 of a file, which need not fit into memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(chunk):
            digest = hashlib.sha256(block)
    return digest.hexdigest()
