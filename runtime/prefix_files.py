"""Prompts read before, kept on disk from one run of the server to the next.

A prompt is cut into blocks of ``BLOCK`` tokens. The cells of each are one file, named by a chain
of keyed hashes over model and settings, owner, and every token up to the block's end (so vLLM's
prefix cache names its blocks). Whoever asks for the same tokens under the same settings finds it
without an index; without the owner's token nobody can tell what a file is of, find it, or make
one that is taken for real: its content too is held against a hash with the owner's key, before
llama.cpp, which trusts what it is given, sees any of it.
"""

import contextlib
import hashlib
import hmac
import os
import queue
import secrets
import stat
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from runtime.core import State
from runtime.prefix_cache import Piece

# Small enough that prompts share most of what they have in common, large enough that a block is
# worth a file (3.5 MB with the 1.5B model).
BLOCK = 128
_MAGIC = b"locumKV1"
_HEAD = len(_MAGIC) + hashlib.sha256().digest_size
_MOST_BYTES = 256 << 20
"""No file is read that is larger; the blocks of models with 70 billion weights are not."""
_WAITING = 16
"""Blocks that may wait to be written; more are not kept, so a slow disk costs no memory."""
_SUFFIX = ".cells"
_SECRET = 64
"""Hexadecimal digits of the secret that stands for a user."""


class PrefixFiles:
    """At most ``capacity`` bytes of files in ``folder``, whoever else writes there too.

    ``identity`` is all that has to be the same for the cells to be: model, settings, machine.
    """

    def __init__(self, folder: Path, capacity: int, identity: str) -> None:
        """Raises OSError where the folder cannot be had or others may look into it."""
        self.capacity = capacity
        self.held = 0
        """Bytes of all files when one was last written."""
        self.discarded = 0
        """Files that were damaged or not ours."""
        self._folder = private_folder(folder)
        self._identity = identity.encode()
        self._writing: queue.Queue[tuple[str, bytes, State, int] | None] = queue.Queue(_WAITING)
        self._pending: set[str] = set()
        self._trim()
        self._thread = threading.Thread(target=self._write_all, name="prompts", daemon=True)
        self._thread.start()

    def find(self, owner: str, tokens: Sequence[int], known: int) -> Iterator[Piece]:
        """The cells of the tokens behind the first ``known``, block by block, as far as they
        are here; each block is read when it is asked for."""
        now, key = time.time_ns(), _key(owner)
        for index, name in enumerate(self._names(key, owner, tokens)):
            start, end = index * BLOCK, (index + 1) * BLOCK
            if end <= known:
                continue
            state = self._read(name, key)
            if state is None:
                return
            self._touch(name, now, index)
            yield Piece(state, start, end)

    def keep(self, owner: str, tokens: Sequence[int], save: Callable[[int, int], State]) -> None:
        """Write what is not here yet, in the background; ``save`` gives the cells of a range."""
        now, key = time.time_ns(), _key(owner)
        for index, name in enumerate(self._names(key, owner, tokens)):
            if name in self._pending:
                continue
            if self._path(name).exists():
                self._touch(name, now, index)
                continue
            if self._writing.full():
                return
            state = save(index * BLOCK, (index + 1) * BLOCK)
            self._pending.add(name)
            self._writing.put_nowait((name, key, state, now - index))

    def settle(self, seconds: float) -> None:
        """Wait until what was kept is written, but not longer; nothing is written after it."""
        with contextlib.suppress(queue.Full):
            self._writing.put(None, timeout=seconds)
            self._thread.join(seconds)

    def _names(self, key: bytes, owner: str, tokens: Sequence[int]) -> Iterator[str]:
        chain = hmac.digest(key, owner.encode() + b"\0" + self._identity, "sha256")
        for end in range(BLOCK, len(tokens) + 1, BLOCK):
            block = array("i", tokens[end - BLOCK : end]).tobytes()
            chain = hmac.digest(key, chain + block, "sha256")
            yield chain.hex()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _touch(self, name: str, now: int, index: int) -> None:
        # A block without those before it is worth nothing, so those count as used later.
        with contextlib.suppress(OSError):
            os.utime(self._path(name), ns=(now - index, now - index))

    def _read(self, name: str, key: bytes) -> State | None:
        """The cells in a file, if it is there and whole; a file that is not is removed."""
        try:
            with open(self._path(name), "rb", opener=_open) as file:
                status = os.fstat(file.fileno())
                whole = stat.S_ISREG(status.st_mode) and _HEAD < status.st_size <= _MOST_BYTES
                content = file.read() if whole else b""
        except FileNotFoundError:
            return None
        except OSError:
            content = b""
        state: State = np.frombuffer(content, dtype=np.uint8)[_HEAD:]
        if hmac.compare_digest(content[:_HEAD], _head(name, key, state)):
            return state
        self.discarded += 1
        with contextlib.suppress(OSError):
            self._path(name).unlink()
        return None

    def _write_all(self) -> None:
        while (item := self._writing.get()) is not None:
            name, key, state, used = item
            try:
                self._write(name, key, state, used)
                self._trim()
            except OSError as error:
                # A full disk only means that the next run reads its prompts again.
                print(f"a prompt was not kept: {error}", file=sys.stderr)
            self._pending.discard(name)

    def _write(self, name: str, key: bytes, state: State, used: int) -> None:
        # Not synced: what a power failure leaves of it is told by its hash.
        fresh = self._folder / f"{secrets.token_hex(8)}.new"
        try:
            with open(fresh, "xb", opener=_create) as file:
                file.write(_head(name, key, state))
                file.write(state.data)
            os.utime(fresh, ns=(used, used))
            fresh.replace(self._path(name))
        finally:
            fresh.unlink(missing_ok=True)

    def _trim(self) -> None:
        """Remove what was used longest ago until the rest fits."""
        found: list[tuple[int, int, str]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # What a killed server was writing goes as everything else does.
                if entry.name.endswith((_SUFFIX, ".new")):
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        found.append((status.st_mtime_ns, status.st_size, entry.path))
        self.held = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if self.held <= self.capacity:
                return
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
            self.held -= size


def private_folder(folder: Path) -> Path:
    """The folder, made if need be; raises OSError if it is not this user's alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder that nobody but you can open")
    return folder


def users_owner(folder: Path) -> str:
    """Stands for the user of this machine, whose own servers have a new token each time.

    A random secret in ``folder``, made once; raises OSError.
    """
    file = private_folder(folder) / "owner"
    if not file.exists():
        fresh = folder / f"{secrets.token_hex(8)}.new"
        with open(fresh, "x", opener=_create) as content:
            content.write(secrets.token_hex(_SECRET // 2))
        # Whoever comes first decides, and nobody sees half a secret.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    with open(file, opener=_open) as known:
        secret = known.read(_SECRET)
    if len(secret) != _SECRET:
        raise OSError(f"{file} is damaged; remove it")
    return secret


def _key(owner: str) -> bytes:
    return hashlib.sha256(b"locum prompts\0" + owner.encode()).digest()


def _head(name: str, key: bytes, state: State) -> bytes:
    """What a file begins with; the name is part of it, so no file stands in for another."""
    told = hmac.new(key, name.encode(), "sha256")
    told.update(state.data)
    return _MAGIC + told.digest()


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
