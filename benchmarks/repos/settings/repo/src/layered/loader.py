"""Reads the layers."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from layered.convert import SettingsError, build
from layered.merge import merge, nest
from layered.schema import DEFAULTS, Settings

PREFIX = "APP_"


def read_file(path: Path) -> dict[str, Any]:
    """The values of a TOML or JSON file; a file that is not there has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path.name}: {error}") from None


def read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`APP_DATABASE__URL` is the setting `database.url`."""
    found: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX):
            found = merge(found, nest(name.removeprefix(PREFIX), value))
    return found


def load(files: Iterable[Path] = (), environment: Mapping[str, str] | None = None) -> Settings:
    """Defaults, then each file, then the environment; the last to name a setting wins."""
    layers = [DEFAULTS, *(read_file(path) for path in files), read_environment(environment or {})]
    return build(Settings, merge(*layers))
