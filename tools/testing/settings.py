"""pytest's configuration, read without running anything of the repository."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SIZE_LIMIT = 1024 * 1024
_FILES = (
    ("pytest.toml", ("pytest",), True),
    (".pytest.toml", ("pytest",), True),
    ("pytest.ini", ("pytest",), True),
    (".pytest.ini", ("pytest",), True),
    ("pyproject.toml", ("tool.pytest", "tool.pytest.ini_options"), False),
    ("tox.ini", ("pytest",), False),
    ("setup.cfg", ("tool:pytest",), False),
)
"""In pytest's order: file, its sections, and whether the file alone is enough."""

# Options of a repository that would change what a single small run means, write into the tree, or
# need a plugin for something that the worker does itself. The number is how many values follow.
_LEFT_OUT = {
    "-n": 1, "--numprocesses": 1, "--dist": 1, "--maxprocesses": 1, "--tx": 1,
    "-x": 0, "--exitfirst": 0, "--maxfail": 1,
    "--lf": 0, "--last-failed": 0, "--ff": 0, "--failed-first": 0, "--nf": 0, "--new-first": 0,
    "--sw": 0, "--stepwise": 0, "--cache-clear": 0,
    "--pdb": 0, "--trace": 0,
    "--junitxml": 1, "--junit-xml": 1, "--html": 1, "--self-contained-html": 0, "--log-file": 1,
    "--no-cov": 0, "--no-cov-on-fail": 0, "--cov-append": 0, "--cov-branch": 0,
    "--cov-report": 1, "--cov-config": 1, "--cov-fail-under": 1, "--cov-context": 1,
    "--reruns": 1, "--reruns-delay": 1, "--random-order": 0, "--basetemp": 1,
}  # fmt: skip
_VALUES = frozenset({
    "-k", "-m", "-p", "-c", "-o", "-W", "-r", "--rootdir", "--ignore", "--ignore-glob",
    "--deselect", "--confcutdir", "--tb", "--color", "--import-mode", "--override-ini",
    "--log-level", "--log-cli-level", "--log-format", "--log-file-level", "--capture",
    "--show-capture", "--timeout", "--asyncio-mode", "--config-file", "--pythonwarnings",
    "--hypothesis-profile", "--hypothesis-seed", "--ds", "--dc", "--doctest-glob",
    "--durations", "--durations-min",
})  # fmt: skip
"""Options whose value is a word of its own."""


@dataclass(frozen=True)
class PytestSettings:
    """What the configuration file says, as far as the runner must know."""

    file: str = ""
    """Name of the configuration file; empty when the repository has none for pytest."""
    addopts: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ()
    problem: str = ""


def read_settings(root: Path) -> PytestSettings:
    """The settings of the file that pytest itself would take in `root`."""
    for name, sections, alone in _FILES:
        path = root / name
        try:
            if not path.is_file() or path.stat().st_size > _SIZE_LIMIT:
                continue
            values = _read(path, sections)
        except (OSError, ValueError, configparser.Error) as error:
            return PytestSettings(problem=f"{name} cannot be read: {error}".replace("\n", " "))
        if values is not None or alone:
            return _settings(name, values or {})
    return PytestSettings()


def _read(path: Path, sections: Sequence[str]) -> Mapping[str, Any] | None:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".toml":
        document = tomllib.loads(text)
        found: Mapping[str, Any] | None = None
        for section in sections:
            value: Any = document
            for key in section.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, dict):
                found = {**(found or {}), **value}
        return found
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    for section in sections:
        if parser.has_section(section):
            return dict(parser.items(section))
    return None


def _settings(name: str, values: Mapping[str, Any]) -> PytestSettings:
    return PytestSettings(name, _words(values.get("addopts")), _words(values.get("python_files")))


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    if not isinstance(value, str):
        return ()
    try:
        return tuple(shlex.split(value, comments=True))
    except ValueError:
        return tuple(value.split())


@dataclass
class Options:
    """A pytest command line taken apart."""

    kept: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def sort_options(words: Sequence[str], root: Path) -> Options:
    """Separate options to keep, options that do not fit single runs, and paths below `root`.

    A word that names no file is the value of the option before it: plugins have options that
    are not known here.
    """
    options = Options()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if word in ("--",):
            options.targets += rest
            break
        if name.startswith("--cov") and name not in _LEFT_OUT:
            options.left_out.append(word)
            # `--cov` takes its value only behind an equals sign or as a word of its own.
            if name == "--cov" and not equals and rest and _looks_like_source(rest[0]):
                options.left_out.append(rest.pop(0))
        elif name in _LEFT_OUT:
            options.left_out.append(word)
            if _LEFT_OUT[name] and not equals and rest:
                options.left_out.append(rest.pop(0))
        elif word[:2] == "-n" and word[2:].isalnum():
            options.left_out.append(word)
        elif name in _VALUES and not equals and rest:
            options.kept += [word, rest.pop(0)]
        elif word.startswith("-") or _is_value(word, options.kept, root):
            options.kept.append(word)
        else:
            options.targets.append(word)
    return options


def _is_value(word: str, before: Sequence[str], root: Path) -> bool:
    last = before[-1] if before else ""
    waits = last.startswith("--") and "=" not in last
    return waits and not (root / word.partition("::")[0]).exists()


def _looks_like_source(word: str) -> bool:
    return not word.startswith("-")
