"""Sending one branch to a remote, with the user's git settings and none of the repository's.

The push starts from an empty git directory that borrows the repository's objects: so neither the
repository's hooks nor the programs that its configuration names (an ssh command, a credential
helper, a remote helper) take part, while the user's own credentials do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolsError
from tools.git import plumbing
from tools.text import one_line, strip_control

_SECONDS = 300.0
_PROTOCOLS = "file:https:ssh"
_SCP = re.compile(r"(?P<user>[\w.-]+@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>(?!//)[^:].*)")
_URL = re.compile(
    r"(?P<scheme>https|ssh)://(?:[^/@]*@)?(?P<host>[A-Za-z0-9][\w.-]*)(?::\d+)?/(?P<path>.+)"
)
_OFF = ("core.hooksPath=" + os.devnull, "push.gpgSign=false", "push.followTags=false",
        "push.recurseSubmodules=no", "core.fsmonitor=false")  # fmt: skip


class NotPublished(ToolsError):
    """The branch could not be sent; it is still there."""


@dataclass(frozen=True)
class Remote:
    """Where a repository's branches go."""

    url: str
    """As configured, credentials included: never to be shown."""
    host: str = ""
    """Empty for a folder on this machine."""
    project: str = ""
    """`owner/name`; empty for a folder on this machine."""

    @property
    def shown(self) -> str:
        return f"{self.host}/{self.project}" if self.host else one_line(self.url)


def remote(path: Path) -> Remote | None:
    """The remote `origin` of the repository around `path`; None if it has none.

    Raises NotPublished for an address that would start a program or is not encrypted.
    """
    raw = plumbing(path, "config", "--get", "remote.origin.url")
    url = (raw or b"").decode(errors="replace").strip()
    if not url:
        return None
    if url.startswith(("/", "file:///")):
        return Remote(url)
    match = _URL.fullmatch(url) or (None if "::" in url else _SCP.fullmatch(url))
    if match is None or url.startswith("-") or strip_control(url) != url:
        raise NotPublished(
            "The remote `origin` is at no https, ssh or file address, so nothing was pushed; "
            "push the branch by hand."
        )
    return Remote(url, match["host"], match["path"].strip("/").removesuffix(".git"))


def push(path: Path, commit: str, name: str, to: Remote) -> None:
    """Make the branch `name` of the remote, which must not exist yet, point to `commit`.

    Raises NotPublished with what git said.
    """
    with tempfile.TemporaryDirectory(prefix="locum-push-") as folder:
        bare = Path(folder)
        _borrow(path, bare)
        settings = [word for setting in _OFF for word in ("-c", setting)]
        lease = f"--force-with-lease=refs/heads/{name}:"
        words = ["push", "--quiet", lease, "--", to.url, f"{commit}:refs/heads/{name}"]
        try:
            done = subprocess.run(
                ["git", "--git-dir", str(bare), *settings, *words],
                cwd=bare, env=_environment(), capture_output=True, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotPublished(f"git could not push {name}: {one_line(str(error))}") from error
    if done.returncode != 0:
        said = one_line(done.stderr.decode(errors="replace").replace(to.url, to.shown), 300)
        raise NotPublished(f"git could not push {name} to {to.shown}: {said}")


def _borrow(path: Path, bare: Path) -> None:
    """An empty git directory that finds the repository's objects."""
    kind = _text(plumbing(path, "rev-parse", "--show-object-format")) or "sha1"
    made = plumbing(bare, "init", "-q", "--bare", "--template=", f"--object-format={kind}", ".")
    objects, shallow = (_place(path, what) for what in ("objects", "shallow"))
    if made is None or not objects or "\n" in objects:
        raise NotPublished(f"{path} is in no git repository that can be pushed from.")
    (bare / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (bare / "objects" / "info" / "alternates").write_text(
        objects + "\n", "utf-8", "surrogateescape"
    )
    if Path(shallow).is_file():
        shutil.copyfile(shallow, bare / "shallow")


def _place(path: Path, what: str) -> str:
    return _text(plumbing(path, "rev-parse", "--path-format=absolute", "--git-path", what))


def _environment() -> dict[str, str]:
    """The user's own, without what would point git to another repository."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH",
            "GIT_SSH_COMMAND", "GIT_ASKPASS")  # fmt: skip
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in kept}
    return own | {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS, "LC_ALL": "C"}


def _text(output: bytes | None) -> str:
    return (output or b"").decode("utf-8", "surrogateescape").strip()
