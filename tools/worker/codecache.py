"""Compiled code of unchanged files, shared with every fork; the file's content is the key.

Candidates are often edits of the same size made within the same second, which is exactly what the
interpreter's own cache files (keyed by size and whole seconds) cannot tell apart. So no cache
file is read or written for the repository's files. Compiling runs nothing of the repository.
"""

from __future__ import annotations

import importlib.util
import os
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Callable, Iterable, Optional

Compiler = Callable[[str, bytes], Optional[CodeType]]


class CodeCache:
    """One kind of compiled code (plain, or with pytest's rewritten asserts)."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._code: dict[str, tuple[bytes, CodeType]] = {}
        self._last: dict[str, bytes] = {}
        self.missed: list[str] = []
        """Files that this process had to compile itself."""

    def get(self, path: str, source: bytes) -> CodeType | None:
        entry = self._code.get(path)
        if entry is not None and entry[0] == source:
            return entry[1]
        self.missed.append(path)
        return None

    def learn(self, paths: Iterable[str], seconds: float) -> None:
        """Compile files that a fork missed; stop after `seconds`.

        A file with new content is compiled only when it was missed twice with that content:
        a candidate's edit is used once.
        """
        end = time.monotonic() + seconds
        for path in paths:
            if time.monotonic() > end:
                return
            source = _read(path)
            known = self._code.get(path)
            if known is not None and known[0] == source:
                continue  # the edit that was missed is taken back already
            if source is None or (known is not None and self._last.get(path) != source):
                self._last[path] = source or b""
                continue
            code = self._compiler(path, source)
            if code is not None:
                self._code[path] = (source, code)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _compile(path: str, source: bytes) -> CodeType | None:
    loader = SourceFileLoader("_", path)
    try:
        code: CodeType = loader.source_to_code(source, path)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return code


def cache_imports(root: str) -> CodeCache:
    """Make imports from below `root` use the returned cache, and never a cache file."""
    prefix = root.rstrip(os.sep) + os.sep
    cache = CodeCache(_compile)
    plain = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        # A subclass may compile otherwise (type checkers' import hooks do).
        if type(self) is not SourceFileLoader or not self.path.startswith(prefix):
            return plain(self, fullname)
        source = self.get_data(self.path)
        code = cache.get(self.path, source)
        if code is None:
            code = self.source_to_code(source, self.path)
        return code

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
    return cache


def cache_rewritten(root: str) -> CodeCache | None:
    """The same for test files, whose asserts pytest rewrites; None if this pytest differs."""
    prefix = root.rstrip(os.sep) + os.sep
    if importlib.util.find_spec("_pytest.assertion.rewrite") is None:
        return None
    import _pytest.assertion.rewrite as rewrite

    plain: Any = getattr(rewrite, "_rewrite_test", None)
    plain_read: Any = getattr(rewrite, "_read_pyc", None)
    if plain is None or plain_read is None:
        return None

    def compiler(path: str, source: bytes) -> CodeType | None:
        try:
            code: CodeType = plain(Path(path), None)[1]
        except Exception:  # whatever is wrong with the file, the fork will report it
            return None
        return code if _read(path) == source else None

    cache = CodeCache(compiler)

    def rewrite_test(path: Any, config: Any) -> Any:
        if config.getini("enable_assertion_pass_hook"):
            return plain(path, config)
        source = _read(str(path))
        code = cache.get(str(path), source) if source is not None else None
        return plain(path, config) if code is None else (os.stat(str(path)), code)

    def read_pyc(source: Any, *more: Any, **named: Any) -> Any:
        inside = str(source).startswith(prefix)
        return None if inside else plain_read(source, *more, **named)

    rewrite._read_pyc = read_pyc
    rewrite._rewrite_test = rewrite_test  # type: ignore[assignment]
    return cache
