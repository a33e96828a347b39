"""What a sandboxed program may see: system directories, its own installation, nothing of HOME."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tools.errors import SandboxUnavailable

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEM_DIRECTORIES = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/nix/store", "/gnu/store"),
)
SYSTEM_FILES = tuple(
    f"/etc/{name}"
    for name in (
        *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "nsswitch.conf"),
        *("passwd", "group", "hosts", "host.conf", "protocols", "services", "mime.types", "magic"),
        *("localtime", "timezone", "locale.conf", "terminfo", "debian_version", "os-release"),
        # Certificates but never the private keys beside them, which root could read.
        *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates", "crypto-policies"),
        *("pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
        *(f"python3{minor}" for minor in ("", *(f".{n}" for n in range(8, 20)))),
    )
)
_LONGEST_LINK_CHAIN = 20


@dataclass(frozen=True)
class Scope:
    """The absolute paths that one command gets, and the command with its program resolved."""

    argv: tuple[str, ...]
    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    search_path: str


def home() -> Path:
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises without an entry


def scope_of(
    argv: Sequence[str], readable: Sequence[Path], writable: Sequence[Path], path: str | None
) -> Scope:
    """Work out what `argv` needs; raises `SandboxUnavailable` for a missing program."""
    if not argv:
        raise SandboxUnavailable("There is no command to run.")
    program = shutil.which(argv[0], path=path or SYSTEM_PATH)
    if program is None or not Path(program).is_absolute():
        raise SandboxUnavailable(f"There is no program {argv[0]!r} to run.")
    installation = installation_of(Path(program))
    granted = [*installation, *readable]
    for one in (*granted, *writable):
        _refuse_wide(one)
    own = [str(root / "bin") for root in installation if (root / "bin").is_dir()]
    return Scope(
        argv=(program, *argv[1:]),
        readable=_with_real_paths(granted),
        writable=_with_real_paths(writable),
        search_path=path or ":".join([str(Path(program).parent), *own, SYSTEM_PATH]),
    )


@lru_cache(maxsize=64)
def installation_of(program: Path) -> tuple[Path, ...]:
    """The prefixes that `program` needs beyond the system directories, outermost first.

    Follows the chain of links one hop at a time, because each hop may lie in another prefix
    (virtual environment → pyenv → build), and `pyvenv.cfg` from a virtual environment to its base.
    """
    found: list[Path] = []
    pending = [program]
    if (program.parent / "python").exists():  # what a console script beside it runs under
        pending.append(program.parent / "python")
    seen: set[Path] = set()
    while pending and len(seen) < _LONGEST_LINK_CHAIN:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        prefix = current.parent.parent if current.parent.name in ("bin", "sbin") else current
        found.append(prefix)
        if current.is_symlink():
            # Not resolved as a whole: `..` in a target counts from the link's real directory.
            pending.append(current.parent.resolve() / current.readlink())
        pending += _base_interpreter(prefix)
    return tuple(dict.fromkeys(root for root in found if not _is_system(root)))


def _base_interpreter(prefix: Path) -> list[Path]:
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    pairs = (line.partition("=") for line in text.splitlines())
    base = next((Path(value.strip()) for key, _, value in pairs if key.strip() == "home"), None)
    return [base / "python3"] if base is not None and base.is_absolute() else []


def _is_system(path: Path) -> bool:
    return any(path.is_relative_to(directory) for directory in SYSTEM_DIRECTORIES)


def _refuse_wide(path: Path) -> None:
    """A grant of / or of HOME would undo the sandbox."""
    if not path.is_absolute():
        raise SandboxUnavailable(f"A sandbox takes absolute paths only, not {str(path)!r}.")
    real = Path(os.path.normpath(path.resolve()))
    if home().resolve().is_relative_to(real):
        raise SandboxUnavailable(f"{path} is too wide to be opened to a sandboxed program.")


def _with_real_paths(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Each path as given and as resolved: programs use either."""
    both = (one for path in paths for one in (Path(os.path.normpath(path)), path.resolve()))
    return tuple(dict.fromkeys(both))


def environment(scope: Scope, extra: Mapping[str, str] | None, *, temporary: str) -> dict[str, str]:
    """The whole environment of a sandboxed program: an allowlist that starts from nothing."""
    minimum = {
        "PATH": scope.search_path,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    return {**minimum, **(extra or {})}
