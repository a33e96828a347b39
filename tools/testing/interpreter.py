"""Which Python runs a repository's tests, judged by files alone: nothing is executed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 8)
_FOLDERS = (".venv", "venv", "env", ".env")


@dataclass(frozen=True)
class Interpreter:
    """A Python and what is installed for it."""

    python: Path
    where: str
    """In words: "the repository's own .venv" …"""
    version: tuple[int, int] | None
    packages: tuple[Path, ...]
    """Its site-packages directories."""

    def has(self, package: str) -> bool:
        """Whether a package or module of that name is installed."""
        return any(
            (folder / package).is_dir() or (folder / f"{package}.py").is_file()
            for folder in self.packages
        )

    @property
    def usable(self) -> bool:
        """Not older than the worker can run on."""
        return self.version is None or self.version >= OLDEST


def candidates(root: Path, environment: Mapping[str, str]) -> Iterator[Interpreter]:
    """Best first: the repository's own environment, the active one, PATH, then ours."""
    for name in _FOLDERS:
        found = _environment(root / name, f"the repository's own {name}")
        if found is not None:
            yield found
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        active = environment.get(variable)
        if active:
            found = _environment(Path(active), f"the active environment (${variable})")
            if found is not None and not _is_ours(found.python):
                yield found
    for folder in _path_outside(root, environment.get("PATH", "")):
        found = _installation(folder / "python3", f"python3 on PATH ({folder})")
        if found is not None and not _is_ours(found.python):
            yield found
    yield ours()


def ours() -> Interpreter:
    """The interpreter that runs this program: it always has pytest."""
    packages = tuple(Path(entry) for entry in sys.path if entry.endswith("-packages"))
    version = (sys.version_info.major, sys.version_info.minor)
    return Interpreter(Path(sys.executable), "the interpreter of this program", version, packages)


def at(python: Path) -> Interpreter | None:
    """The interpreter that the user named by its path."""
    folder = python.parent.parent
    if (folder / "pyvenv.cfg").is_file():
        return _environment(folder, str(python), python)
    return _installation(python, str(python))


def base_prefix(python: Path) -> Path | None:
    """The installation that a virtual environment's interpreter really is part of.

    The repository could name any directory in its `pyvenv.cfg`; only one that holds a Python with
    its standard library counts.
    """
    real = Path(os.path.realpath(python))
    prefix = real.parent.parent
    return prefix if any(prefix.glob("lib*/python3*/os.py")) else None


def _environment(folder: Path, where: str, python: Path | None = None) -> Interpreter | None:
    python = python or folder / "bin" / "python"
    is_conda = (folder / "conda-meta").is_dir()
    if not ((folder / "pyvenv.cfg").is_file() or is_conda) or not os.access(python, os.X_OK):
        return None
    prefix = base_prefix(python)
    if prefix is None:
        return None
    version = _version(python)
    packages = _packages(folder, version)
    if not is_conda and _sees_system_packages(folder / "pyvenv.cfg"):
        packages += _packages(prefix, version)
    return Interpreter(_absolute(python), where, version, tuple(packages))


def _installation(python: Path, where: str) -> Interpreter | None:
    if not os.access(python, os.X_OK):
        return None
    prefix = base_prefix(python)
    if prefix is None:  # a shim of a version manager: it needs its own files to start
        return None
    version = _version(python)
    return Interpreter(_absolute(python), where, version, tuple(_packages(prefix, version)))


def _absolute(python: Path) -> Path:
    # Not resolved: a virtual environment is found by the place of its link.
    return Path.cwd() / python


def _packages(prefix: Path, version: tuple[int, int] | None) -> list[Path]:
    name = "python3*" if version is None else f"python{version[0]}.{version[1]}"
    found = [*prefix.glob(f"lib*/{name}/site-packages")]
    if prefix == Path("/usr"):
        found += Path("/usr/local/lib").glob(f"{name}/dist-packages")
        found.append(Path("/usr/lib/python3/dist-packages"))
    return found


def _version(python: Path) -> tuple[int, int] | None:
    """From the name of the real file, `python3.12`."""
    name = Path(os.path.realpath(python)).name
    match = re.fullmatch(r"python(\d+)\.(\d+).*", name)
    return (int(match[1]), int(match[2])) if match else None


def _sees_system_packages(configuration: Path) -> bool:
    try:
        text = configuration.read_text(encoding="utf-8", errors="replace")[:10_000]
    except OSError:
        return False
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip().lower() == "include-system-site-packages":
            return value.strip().lower() == "true"
    return False


def _is_ours(python: Path) -> bool:
    return python.parent.parent == Path(sys.prefix)


def _path_outside(root: Path, path: str) -> list[Path]:
    """PATH without the directories of the repository: those are not the user's programs."""
    folders = [Path(entry) for entry in path.split(os.pathsep) if entry.startswith(os.sep)]
    return [folder for folder in folders if not folder.is_relative_to(root)]
