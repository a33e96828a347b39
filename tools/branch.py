"""A commit on a new branch, made by plumbing: no checkout, no index, no hook, no signature.

Nothing of the user's working tree is read or written; only objects and one new ref are added.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolsError
from tools.git import plumbing
from tools.text import one_line

_FILE_MODES = ("100644", "100755")
_NEW_FILE = "100644"

Change = tuple[bytes | None, bytes | None]
"""Content of a file before and after; None for no file."""


class NoBranch(ToolsError):
    """The branch cannot be made; nothing was."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str


def check(path: Path, name: str) -> None:
    """Raise NoBranch unless a branch `name` could be made in the repository around `path`."""
    if plumbing(path, "rev-parse", "--git-dir") is None:
        raise NoBranch(f"{path} is in no git repository, so there is nothing to branch from.")
    if _head(path) is None:
        raise NoBranch(f"{path} has no commit yet; commit first, then ask for a branch.")
    if name.startswith("-") or plumbing(path, "check-ref-format", _ref(name)) is None:
        raise NoBranch(f"{one_line(name, 80)!r} is no name for a branch; give one like fix/total.")
    if tip(path, name):
        raise NoBranch(f"There is a branch {name} already; give another name, or delete it.")


def tip(path: Path, name: str) -> str:
    """Id of the commit that branch `name` points to; empty if there is no such branch."""
    return _text(plumbing(path, "rev-parse", "--verify", "--quiet", f"{_ref(name)}^{{commit}}"))


def message(path: Path, commit: str) -> str:
    """The message of a commit."""
    raw = plumbing(path, "cat-file", "commit", commit) or b""
    return raw.partition(b"\n\n")[2].decode(errors="replace")


def uncommitted(path: Path, copied: Mapping[str, Callable[[], bytes | None]]) -> tuple[str, ...]:
    """Files of a copy of `path` that are not in it as HEAD has them, ignored ones left out.

    `copied` gives each file's content when it is asked for.
    """
    head = _head(path)
    if head is None:
        return ()
    listed = _must(plumbing(path, "ls-tree", "-r", "-z", head))
    others = plumbing(path, "ls-files", "-z", "--others", "--exclude-standard") or b""
    blobs = dict(_blob(entry) for entry in listed.split(b"\0") if entry)
    new = {name.decode("utf-8", "surrogateescape") for name in others.split(b"\0")}
    changed = [file for file in copied if file in blobs and not _is(blobs[file], copied[file]())]
    return tuple(sorted([*changed, *(file for file in copied if file in new)]))


def _blob(entry: bytes) -> tuple[str, str]:
    facts, _, name = entry.partition(b"\t")
    return name.decode("utf-8", "surrogateescape"), facts.decode().split(" ")[2]


def _is(blob: str, content: bytes | None) -> bool:
    """Whether git knows `content` by the id `blob`, stored as it is or with bare line feeds."""
    if content is None:
        return False
    make = hashlib.sha1 if len(blob) == 40 else hashlib.sha256
    forms = (content, content.replace(b"\r\n", b"\n"))
    return any(make(b"blob %d\0" % len(form) + form).hexdigest() == blob for form in forms)


def commit(path: Path, name: str, changes: Mapping[str, Change], text: str, author: Person) -> str:
    """Commit `changes` on the new branch `name` on top of HEAD; the id of the commit.

    Paths are relative to `path`, which may be a folder inside its repository. Raises NoBranch,
    with no ref made, for a file whose content before is not what HEAD has: then a commit would
    carry along changes of the user's that nobody approved.
    """
    check(path, name)
    head = _head(path)
    assert head is not None, "checked above"
    prefix = _line(plumbing(path, "rev-parse", "--show-prefix"))
    entries = [_entry(path, head, prefix + file, *pair) for file, pair in sorted(changes.items())]
    with tempfile.TemporaryDirectory(prefix="locum-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _must(plumbing(path, "read-tree", head, extra=index))
        listed = "".join(entries).encode("utf-8", "surrogateescape")
        _must(plumbing(path, "update-index", "-z", "--index-info", data=listed, extra=index))
        tree = _text(_must(plumbing(path, "write-tree", extra=index)))
    who = _identity(author)
    data = text.encode("utf-8", "replace")
    made = _text(_must(plumbing(path, "commit-tree", tree, "-p", head, data=data, extra=who)))
    # An empty old value: only if there is no such branch yet.
    _must(plumbing(path, "update-ref", "-m", "locum", _ref(name), made, "", extra=who))
    return made


def person(path: Path) -> Person:
    """Who git would name as the author in `path`; a stand-in where nobody is configured."""
    name = os.environ.get("GIT_AUTHOR_NAME") or _setting(path, "user.name")
    email = os.environ.get("GIT_AUTHOR_EMAIL") or _setting(path, "user.email")
    return Person(one_line(name, 100) or "locum", one_line(email, 100) or "locum@localhost")


def _entry(path: Path, head: str, file: str, before: bytes | None, after: bytes | None) -> str:
    """A line for `update-index --index-info`."""
    mode, blob = _in_tree(path, head, file)
    committed = plumbing(path, "cat-file", "blob", blob) if blob else None
    stored = _as_stored(committed, before, after)
    if committed is None and (blob or before is not None):
        raise NoBranch(f"{file} is not committed, so a branch cannot hold its mend; commit it.")
    if stored is None:
        raise NoBranch(
            f"{file} has changes that are not committed, and the mend builds on them; "
            "commit them, or leave --branch away."
        )
    if after is None:
        return f"0 {'0' * len(head)}\t{file}\0"
    made = _must(plumbing(path, "hash-object", "-w", "--no-filters", "--stdin", data=stored))
    return f"{mode or _NEW_FILE} {_text(made)}\t{file}\0"


def _as_stored(committed: bytes | None, before: bytes | None, after: bytes | None) -> bytes | None:
    """`after` with the line ends that the repository stores; None if `before` is not committed."""
    if committed == before:
        return after or b""
    if committed is None or before is None:
        return None
    if b"\r\n" not in committed and before.replace(b"\r\n", b"\n") == committed:
        return (after or b"").replace(b"\r\n", b"\n")
    return None


def _in_tree(path: Path, head: str, file: str) -> tuple[str, str]:
    """Mode and id of a file at `head`; empty if it has none. Raises NoBranch for a link."""
    listed = _must(plumbing(path, "ls-tree", "-z", "--full-tree", head, "--", file))
    for entry in filter(None, listed.split(b"\0")):
        facts, _, name = entry.partition(b"\t")
        mode, kind, blob = facts.decode().split(" ")
        if name.decode("utf-8", "surrogateescape") == file:
            if kind != "blob" or mode not in _FILE_MODES:
                raise NoBranch(f"{file} is no ordinary file in the last commit.")
            return mode, blob
    return "", ""


def _identity(author: Person) -> dict[str, str]:
    roles = ("AUTHOR", "COMMITTER")
    names = {f"GIT_{role}_NAME": author.name for role in roles}
    return names | {f"GIT_{role}_EMAIL": author.email for role in roles}


def _setting(path: Path, key: str) -> str:
    """A value of the user's git configuration; `git config` starts no program."""
    command = ["git", "-c", "safe.directory=*", "config", "--get", key]
    try:
        done = subprocess.run(command, cwd=path, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _head(path: Path) -> str | None:
    found = plumbing(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return None if found is None else _text(found)


def _ref(name: str) -> str:
    return f"refs/heads/{name}"


def _must(output: bytes | None) -> bytes:
    if output is None:
        raise NoBranch("git would not make the commit; is its object store writable and whole?")
    return output


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace").strip()


def _line(output: bytes | None) -> str:
    return (output or b"").decode("utf-8", "surrogateescape").removesuffix("\n")
