"""Settings and where each came from: flag, environment, repository, user, default, in that order.

A repository's own file is input from whoever wrote the repository: it can choose what is looked
for and narrow what may happen, and never name a program, a model, an address or an approval.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import platformdirs

from agent.errors import Unusable
from runtime.models import DEFAULT_MODEL
from tools.beneath import Root
from tools.errors import ToolsError
from tools.text import one_line

LARGEST_FILE = 256 * 1024
MOST_FOR_REPOSITORY = 1800.0
"""Seconds that a repository's own file may ask for: the machine is not its own."""
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Source(StrEnum):
    """Where a value came from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    REPOSITORY = "repository"
    USER = "user"
    DEFAULT = "default"


def duration(length: float) -> str:
    """Seconds as `seconds` reads them: `5m`, `90s`."""
    minutes = length / 60
    return f"{minutes:g}m" if minutes >= 1 and minutes.is_integer() else f"{length:g}s"


def seconds(value: object) -> float:
    """`90`, `"90s"`, `"5m"` or `"1h"` in seconds; raises ValueError with the remedy."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(value).strip())
    if match is None or isinstance(value, bool) or float(match[1]) <= 0:
        raise ValueError(f"{value!r} is not a length of time; write 90s, 5m or 1h.")
    return float(match[1]) * _UNITS[match[2]]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text.")
    return value


def _switch(value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = words.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false.")
    return found


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", str(value)):
            raise ValueError(f"{value!r} is no whole number.")
        if not least <= int(str(value)) <= most:
            raise ValueError(f"{value!r} is not between {least} and {most}.")
        return int(str(value))

    return read


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of: {', '.join(words)}.")
        return str(value)

    return read


def _anything(_: object) -> bool:
    return True


@dataclass(frozen=True)
class Key:
    """One setting."""

    name: str
    default: Any
    read: Callable[[object], Any]
    """Checks a value of a file or of the environment; raises ValueError with one sentence."""
    help: str
    example: str
    """A value as TOML."""
    from_repository: Callable[[Any], bool] | None = None
    """Whether the repository's own file may set this value; None: no value at all."""

    @property
    def variable(self) -> str:
        return f"LOCUM_{self.name.upper()}"


KEYS = (
    Key(
        "budget", 300.0, seconds, "Time to spend on one run.", '"5m"',
        lambda value: value <= MOST_FOR_REPOSITORY,
    ),
    Key(
        "only", None, _one_of("bugs", "all"),
        "bugs: nothing but failing tests; all: also duplication and style everywhere.", '"bugs"',
        _anything,
    ),
    Key(
        "candidates", 1, _number(1, 20),
        "How many edits that pass the tests to show, the chosen one included.", "3", _anything,
    ),
    Key(
        "explain", True, _switch, "Let the model explain the patch in the summary (some seconds).",
        "true", _anything,
    ),
    Key("seed", 0, _number(-(2**31), 2**31), "Seed of the model's sampling.", "0", _anything),
    Key(
        "approve", None, _one_of("ask", "yes", "dry-run"),
        "Who decides whether a patch is applied; dry-run: it never is.", '"dry-run"',
        lambda value: value == "dry-run",
    ),
    Key("test_cmd", None, _text, "How to run the tests, if not as found out.", '"pytest -q"'),
    Key("model", DEFAULT_MODEL, _text, "Model id or GGUF file.", f'"{DEFAULT_MODEL}"'),
    Key(
        "endpoint", None, _text, "Use this OpenAI-compatible server instead of a model here.",
        '"http://127.0.0.1:8080/v1"',
    ),
    Key(
        "escalate", None, _text, "Send code to this server when all else has failed.",
        '"https://example.org/v1"',
    ),
    Key("escalate_model", "", _text, "The model to ask for there; default: its first.", '"large"'),
    Key("allow_plain_http", False, _switch, "Let escalate be unencrypted.", "false"),
)  # fmt: skip
BY_NAME = {key.name: key for key in KEYS}


@dataclass(frozen=True)
class Settings:
    values: dict[str, Any]
    sources: dict[str, str]
    """For each key where its value came from, with the file or the variable."""
    ignored: tuple[str, ...] = ()
    """One sentence for each thing that the repository's file says and may not."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass
class _Layer:
    source: Source
    where: str
    values: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def resolve(path: Path, flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings for a run on the repository at `path`; `flags` are those really given.

    Raises Unusable, one sentence, for a file or a variable that cannot be understood.
    """
    layers = [
        _Layer(Source.FLAG, "", dict(flags or {})),
        _environment(),
        _repository(path),
        _user(user_file()),
    ]
    values, sources = {}, {}
    for key in KEYS:
        found = next((layer for layer in layers if key.name in layer.values), None)
        values[key.name] = key.default if found is None else found.values[key.name]
        origin = Source.DEFAULT if found is None else found.source
        place = "" if found is None else found.where.format(key.variable)
        sources[key.name] = f"{origin} ({place})" if place else str(origin)
    return Settings(values, sources, tuple(layers[2].ignored))


def user_file() -> Path:
    """`$LOCUM_CONFIG`, or `config.toml` in the user's configuration directory."""
    chosen = os.environ.get("LOCUM_CONFIG")
    return Path(chosen) if chosen else platformdirs.user_config_path("locum") / "config.toml"


def _environment() -> _Layer:
    layer = _Layer(Source.ENVIRONMENT, "{}")
    for key in KEYS:
        raw = os.environ.get(key.variable)
        if raw:
            layer.values[key.name] = _checked(key, raw, key.variable)
    return layer


def _user(file: Path) -> _Layer:
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return _Layer(Source.USER, "")
    layer = _Layer(Source.USER, str(file))
    for name, value in _parsed(data, str(file)).items():
        key = _key(name, str(file))
        layer.values[key.name] = _checked(key, value, str(file))
    return layer


def _repository(path: Path) -> _Layer:
    """From `locum.toml`, or else from `[tool.locum]` in `pyproject.toml`."""
    name, table = "locum.toml", _read(path, "locum.toml")
    if table is None:
        name = "pyproject.toml"
        tool = (_read(path, name) or {}).get("tool", {})
        table = tool.get("locum", {}) if isinstance(tool, dict) else {}
    layer = _Layer(Source.REPOSITORY, name)
    if not isinstance(table, dict):
        raise Unusable(f"{name} of the repository: [tool.locum] is no table.")
    for given, value in table.items():
        key = _key(given, f"{name} of the repository")
        if key.from_repository is None:
            layer.ignored.append(f"{name} sets {key.name}, which only you may set; it is ignored.")
            continue
        checked = _checked(key, value, f"{name} of the repository")
        if key.from_repository(checked):
            layer.values[key.name] = checked
        else:
            layer.ignored.append(
                f"{name} sets {key.name} to {one_line(repr(value), 40)}, which is more than a "
                "repository may ask for; it is ignored."
            )
    return layer


def _read(path: Path, name: str) -> dict[str, Any] | None:
    """The table in a file of the repository, by a way that no link leads out of."""
    if not path.is_dir():
        return None
    try:
        with Root(path) as root:
            data = root.read(name, LARGEST_FILE + 1)
    except FileNotFoundError:
        return None
    except (ToolsError, OSError) as error:
        if name == "pyproject.toml":
            return None  # other programs' file, and perhaps not for us
        raise Unusable(f"{name} of the repository cannot be read: {error}") from error
    if len(data) > LARGEST_FILE:
        raise Unusable(f"{name} of the repository is larger than {LARGEST_FILE} bytes.")
    if name == "pyproject.toml" and b"locum" not in data:
        return None
    return _parsed(data, f"{name} of the repository")


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{where} is not TOML: {one_line(str(error))}.") from error
    return found


def _key(name: str, where: str) -> Key:
    key = BY_NAME.get(name.replace("-", "_"))
    if key is None:
        near = difflib.get_close_matches(name, BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(BY_NAME)}."
        raise Unusable(f"{where} sets {one_line(name, 40)!r}, which is no setting; {hint}")
    return key


def _checked(key: Key, value: object, where: str) -> Any:
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value!r} is no number to work with.")
        return key.read(value)
    except ValueError as error:
        raise Unusable(f"{where}: {key.name}: {one_line(str(error))}") from error
