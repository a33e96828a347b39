"""The copy of the repository that all work happens in, and the way back to the user's tree.

What the engine means a file to be is kept in memory, beside the untouched baseline on disk: a
diff or an apply never contains what a test run wrote into the tree.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tools.apply import Change, Journal, digest
from tools.beneath import Root, parse, sentence
from tools.copy import Manifest, clone_tree, copy_repository
from tools.diff import unified
from tools.errors import ToolsError, UnusableRepository
from tools.removal import remove_tree
from tools.restore import remove_all_but, reopen, repair_links
from tools.text import one_line

_MANIFEST, _BASELINE, _TREE, _JOURNAL = "manifest.json", "baseline", "tree", "journal"
_Stamp = tuple[int, int, int, int]


class Workspace:
    """Use `create` for a new run, `open` to resume one."""

    def __init__(self, home: Path, manifest: Manifest) -> None:
        self._home = home
        self._manifest = manifest
        self._baseline = Root(home / _BASELINE)
        # The copy bears the repository's own name: some packages are their repository's root.
        self._root = home / _TREE / (Path(manifest.source).name or "repository")
        self._tree = Root(self._root)
        self._edits: dict[str, bytes | None] = {}
        self._times: dict[str, int] = {}
        self._stamps: dict[str, _Stamp] = {}

    @classmethod
    def create(cls, source: Path, home: Path) -> Self:
        """Copy the repository at `source` to `home`, uncommitted changes included.

        Raises `UnusableRepository` if it cannot be read, copied or is too large.
        """
        source = source.resolve()
        if not source.is_dir():
            kind = "is not a directory" if source.exists() else "does not exist"
            raise UnusableRepository(f"{source} {kind}.")
        if home.resolve().is_relative_to(source):
            raise UnusableRepository(f"{home} lies inside the repository, so it cannot be copied.")
        remove_tree(home / _BASELINE)
        remove_tree(home / _TREE)
        try:
            manifest = copy_repository(source, home / _BASELINE)
            clone_tree(home / _BASELINE, home / _TREE / (source.name or "repository"), manifest)
            # It stands for the whole copy, so it comes last and at once.
            (home / f".{_MANIFEST}").write_text(manifest.model_dump_json())
            (home / f".{_MANIFEST}").replace(home / _MANIFEST)
        except OSError as error:
            raise UnusableRepository(f"{source} cannot be copied: {error}.") from error
        made = cls(home, manifest)
        made._stamp_all()
        return made

    @classmethod
    def open(cls, home: Path) -> Self:
        """The workspace that `create` made in `home`, as the repository was then."""
        try:
            manifest = Manifest.model_validate_json((home / _MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise ToolsError(f"There is no workspace to resume in {home}.") from error
        opened = cls(home, manifest)
        opened.restore()
        return opened

    @classmethod
    def again(cls, origin: Path, home: Path) -> Self:
        """A workspace in `home` as that in `origin` was when it was made; `origin` stays as it is.

        Raises `ToolsError` when there is none in `origin`.
        """
        try:
            manifest = Manifest.model_validate_json((origin / _MANIFEST).read_bytes())
            clone_tree(origin / _BASELINE, home / _BASELINE, manifest)
            clone_tree(origin / _BASELINE, home / _TREE / Path(manifest.source).name, manifest)
        except (OSError, ValueError) as error:
            raise ToolsError(f"There is no workspace in {origin}: {error}.") from error
        made = cls(home, manifest)
        made._stamp_all()
        return made

    @property
    def root(self) -> Path:
        """Where tests run: the copy's own directory."""
        return self._root

    @property
    def source(self) -> Path:
        """The user's tree."""
        return Path(self._manifest.source)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    def read(self, path: str) -> str:
        """The text of a file as the engine last left it, line ends kept.

        Bytes that are not UTF-8 become lone surrogates, which `write` turns back into them.
        Raises `ToolsError` if there is no such file.
        """
        name = parse(path)
        content = self._intended(name)
        if content is None:
            raise ToolsError(f"There is no file {one_line(path, 80)!r}.")
        return content.decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Make `path` hold `text`; raises `ToolsError`."""
        name = parse(path)
        try:
            content = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise ToolsError(f"The text for {one_line(path, 80)!r} is not valid.") from error
        self._put(name, content)

    def remove(self, path: str) -> None:
        """Delete a file; raises `ToolsError`."""
        self._put(parse(path), None)

    def reset(self, files: Mapping[str, str | None] | None = None) -> None:
        """The baseline with `files` in place (None deletes); touches only what differs."""
        wanted = {
            parse(path): None if text is None else text.encode("utf-8", "surrogateescape")
            for path, text in (files or {}).items()
        }
        wanted |= {path: self.original(path) for path in self._edits if path not in wanted}
        for path, content in wanted.items():
            try:
                self._put(path, content)
            except ToolsError:  # a test run put a link or a folder in the way
                self.restore()
                self._put(path, content)

    def restore(self) -> tuple[str, ...]:
        """Undo whatever else happened to the tree, say by a test run; returns what was repaired.

        A test can write into the tree and so forge a later result: call this before a run that
        must be believed.
        """
        repaired = self._tidy()
        for path in {*self._manifest.files, *self._edits}:
            if self._stamp(path) != self._stamps.get(path):
                self._materialise(path, self._intended(path))
                repaired.append(path)
        return tuple(sorted(repaired))

    def changed(self) -> dict[str, tuple[bytes | None, bytes | None]]:
        """Files that the engine changed: content before and after, None for no file."""
        pairs = {path: (self.original(path), after) for path, after in self._edits.items()}
        return {path: pair for path, pair in sorted(pairs.items()) if pair[0] != pair[1]}

    def patch(self) -> bytes:
        """What the engine changed, byte for byte as `git apply` takes it."""
        return b"".join(unified(path, *pair) for path, pair in self.changed().items())

    def diff(self) -> str:
        """What the engine changed, to be shown; `patch` is for files."""
        return self.patch().decode(errors="replace")

    def diff_between(self, old: Mapping[str, str | None], new: Mapping[str, str | None]) -> str:
        """The diff from the baseline with `old` in place to the baseline with `new` in place."""

        def content(files: Mapping[str, str | None], path: str) -> bytes | None:
            if path not in files:
                return self.original(parse(path))
            text = files[path]
            return None if text is None else text.encode("utf-8", "surrogateescape")

        return b"".join(
            unified(path, content(old, path), content(new, path)) for path in sorted({*old, *new})
        ).decode(errors="replace")

    def apply(self, approved: Sequence[str]) -> None:
        """Write the approved changed files to the user's tree: all or none.

        Raises `ApplyConflict`, with the tree untouched, if one of them changed meanwhile or
        cannot be written, and `ToolsError` for a file that the engine did not change.
        """
        changed = self.changed()
        changes: list[Change] = []
        contents: list[bytes] = []
        for path in approved:
            if path not in changed:
                raise ToolsError(f"{one_line(path, 80)!r} was not changed, so nothing was applied.")
            before, after = changed[path]
            changes.append(Change(path=path, before=digest(before), after=digest(after)))
            contents += [content for content in (before, after) if content is not None]
        self._journal().apply(changes, contents)

    def recover(self) -> bool:
        """Finish an apply that a crash interrupted; True if its changes are in the user's tree."""
        return self._journal().recover()

    def undo(self) -> tuple[str, ...]:
        """Take back what was applied, and give the paths.

        Raises `ApplyConflict` if the user changed one since, `ToolsError` if nothing was applied.
        """
        return self._journal().undo()

    def close(self) -> None:
        self._baseline.close()
        self._tree.close()

    def _journal(self) -> Journal:
        return Journal(self._home / _JOURNAL, self.source)

    def original(self, path: str) -> bytes | None:
        """The bytes of a file as the repository had it; None if it had no such file."""
        return self._baseline.read(path) if path in self._manifest.files else None

    def _intended(self, path: str) -> bytes | None:
        return self._edits[path] if path in self._edits else self.original(path)

    def _put(self, path: str, content: bytes | None) -> None:
        if self._intended(path) != content or self._stamp(path) != self._stamps.get(path):
            self._materialise(path, content)
        if content == self.original(path):
            self._edits.pop(path, None)
        else:
            self._edits[path] = content

    def _materialise(self, path: str, content: bytes | None) -> None:
        copied = self._manifest.files.get(path)
        try:
            if content is None:
                self._tree.remove(path)
            else:
                mode = copied.mode if copied else 0o644
                self._tree.write(path, content, mode=mode, modified=self._next_time(path))
        except OSError as error:
            raise ToolsError(sentence(error, path)) from error
        self._remember(path)

    def _next_time(self, path: str) -> int:
        """A modification time of its own for each content of `path`.

        Python takes cached bytecode for fresh when second and size agree, as they would for two
        candidates written in the same second.
        """
        last = self._times.get(path)
        if last is None:
            found = self._tree.stat(path)
            last = int(found.st_mtime) if found else 0
        self._times[path] = max(last + 1, int(time.time()))
        return self._times[path]

    def _stamp_all(self) -> None:
        for path in self._manifest.files:
            self._remember(path)

    def _remember(self, path: str) -> None:
        stamp = self._stamp(path)
        if stamp is None:
            self._stamps.pop(path, None)
        else:
            self._stamps[path] = stamp

    def _stamp(self, path: str) -> _Stamp | None:
        """What changes when a file does; the change time cannot be set back by a program."""
        found = self._tree.stat(path)
        return (
            (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if found else None
        )

    def _tidy(self) -> list[str]:
        """Delete what neither the repository nor the engine put there; remake links, folders."""
        files = {path for path, content in self._edits.items() if content is not None}
        files |= self._manifest.files.keys() | self._manifest.links.keys()
        folders = {*self._manifest.directories}
        for path in files:
            folders.update(str(parent) for parent in Path(path).parents)
        reopened = reopen(self._tree, ["", *sorted(self._manifest.directories)])
        removed = remove_all_but(self._tree, files, folders)
        for folder in self._manifest.directories:
            self._tree.make_directory(folder)
        return [*reopened, *removed, *repair_links(self._tree, self._manifest.links)]
