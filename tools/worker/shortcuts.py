"""What pytest does alike on every start, done once in the zygote.

All of it reaches into pytest's private parts; each piece is left out where this pytest has other
ones. Nothing of the repository is involved: `conftest.py` and the configuration file are read by
every child afresh.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from _pytest import config as pytest_config


class _Distribution:
    """An installed package whose metadata is read once.

    It claims to have no files: pytest would rewrite the asserts of all modules of installed
    plugins, which takes seconds for big ones, and only helps those who test the plugin.
    """

    files = ()

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self.entry_points = plain.entry_points
        self.metadata = plain.metadata
        self.version = plain.version

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


class Shortcuts:
    """A context manager around the configuration of pytest in the child."""

    def __init__(self, options: list[str]) -> None:
        """Prepare in the zygote; `options` are those that exclude built-in plugins."""
        self._plugins = [
            _Distribution(found)
            for found in importlib.metadata.distributions()
            if any(point.group == "pytest11" for point in found.entry_points)
        ]
        self._plain_distributions: Any = importlib.metadata.distributions
        self._plain_config: Any = getattr(pytest_config, "get_config", None)
        self._config: Any = None
        if self._plain_config is not None:
            self._config = self._plain_config(options, [])
        _skip_factories_of_pytest()
        _silence_rewrite_warning()

    def __enter__(self) -> None:
        # Looking for plugins reads the metadata of every installed package.
        importlib.metadata.distributions = lambda **_query: self._plugins  # type: ignore[assignment]
        if self._config is not None:
            pytest_config.get_config = self._ready_config

    def __exit__(self, *_error: object) -> None:
        importlib.metadata.distributions = self._plain_distributions
        if self._config is not None:
            pytest_config.get_config = self._plain_config

    def _ready_config(self, args: Any = None, plugins: Any = None, **_more: Any) -> Any:
        """The configuration with the built-in plugins, made before the fork."""
        config = self._config
        config.invocation_params = config.InvocationParams(
            args=tuple(args or ()), plugins=plugins, dir=Path.cwd()
        )
        config.pluginmanager.consider_preparse(list(args or ()), exclude_only=True)
        return config


def _skip_factories_of_pytest() -> None:
    """Do not search pytest's own modules for fixtures, attribute by attribute, if none is there."""
    manager = importlib.import_module("_pytest.fixtures").FixtureManager
    plain = getattr(manager, "pytest_plugin_registered", None)
    if plain is None:
        return
    empty = {
        id(module)
        for name, module in list(sys.modules.items())
        if name.startswith("_pytest.") and not _has_fixtures(module)
    }

    @functools.wraps(plain)
    def registered(self: Any, plugin: Any, *rest: Any) -> None:
        kind = type(plugin)
        known = kind.__module__.startswith(("_pytest.", "_locum_worker."))
        if id(plugin) not in empty and not (known and not _has_fixtures(kind)):
            plain(self, plugin, *rest)

    manager.pytest_plugin_registered = registered


def _has_fixtures(module: ModuleType | type) -> bool:
    return any(
        hasattr(value, "_pytestfixturefunction")
        or hasattr(value, "_fixture_function_marker")
        or type(value).__name__ == "FixtureFunctionDefinition"
        for value in list(vars(module).values())
    )


def _silence_rewrite_warning() -> None:
    """No warning that a plugin imported before the fork cannot have its asserts rewritten.

    Only installed plugins are concerned, never the repository's own files.
    """
    hook = importlib.import_module("_pytest.assertion.rewrite").AssertionRewritingHook
    if hasattr(hook, "_warn_already_imported"):
        hook._warn_already_imported = lambda _self, _name: None
