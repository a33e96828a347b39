"""What pytest does alike on every start, done once in the zygote.

All of it reaches into pytest's private parts; each piece is left out where this pytest has other
ones. Nothing of the repository is involved: `conftest.py` and the configuration file are read by
every child afresh.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Iterable

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
        self._search = _FixtureSearch()
        _silence_rewrite_warning()

    def preloaded(self) -> None:
        """To be called when the modules that the tests load from outside are loaded."""
        points = [point for found in self._plugins for point in found.entry_points]
        self._search.learn(p.value.partition(":")[0] for p in points if p.group == "pytest11")
        _index_sources()

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


class _FixtureSearch:
    """Shows pytest only the fixtures of installed plugins, not every attribute that they have.

    A plugin without any is passed over. Each child would look at some thousand names else.
    """

    def __init__(self) -> None:
        self._narrow: dict[int, tuple[ModuleType, ModuleType | None]] = {}
        """By the id of a plugin's module, which is kept so that the id stays its own."""
        manager = importlib.import_module("_pytest.fixtures").FixtureManager
        plain = getattr(manager, "pytest_plugin_registered", None)
        if plain is None:
            return
        self.learn(name for name in list(sys.modules) if name.startswith("_pytest."))

        @functools.wraps(plain)
        def registered(manager: Any, plugin: Any, *rest: Any) -> None:
            shown = self._narrow.get(id(plugin), (plugin, plugin))[1]
            kind = type(plugin)
            ours = kind.__module__.startswith(("_pytest.", "_locum_worker."))
            if shown is not None and not (ours and not _fixtures(kind)):
                plain(manager, shown, *rest)

        manager.pytest_plugin_registered = registered

    def learn(self, names: Iterable[str]) -> None:
        """Look through those of these modules that are loaded."""
        for name in names:
            module = sys.modules.get(name)
            if module is not None:
                self._narrow[id(module)] = (module, _narrowed(module))


def _narrowed(module: ModuleType) -> ModuleType | None:
    """A module with the fixtures of `module` and nothing else; None when it has none."""
    found = _fixtures(module)
    if not found:
        return None
    narrow = ModuleType(module.__name__)
    vars(narrow).update(found)
    return narrow


def _fixtures(holder: ModuleType | type) -> dict[str, Any]:
    return {
        name: value
        for name, value in list(vars(holder).items())
        if hasattr(value, "_pytestfixturefunction")
        or hasattr(value, "_fixture_function_marker")
        or type(value).__name__ == "FixtureFunctionDefinition"
    }


def _index_sources() -> None:
    """Have `inspect` map source files to loaded modules, which takes 10 ms for 500 of them.

    Each child would do it when it prints the first traceback.
    """
    inspect.getmodule(compile("", os.path.join(os.sep, "nowhere.py"), "exec"))


def _silence_rewrite_warning() -> None:
    """No warning that a plugin imported before the fork cannot have its asserts rewritten.

    Only installed plugins are concerned, never the repository's own files.
    """
    hook = importlib.import_module("_pytest.assertion.rewrite").AssertionRewritingHook
    if hasattr(hook, "_warn_already_imported"):
        hook._warn_already_imported = lambda _self, _name: None
