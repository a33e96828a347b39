"""Settings from several layers, read into dataclasses."""

from layered.convert import SettingsError, build
from layered.loader import load
from layered.merge import merge
from layered.schema import Database, Logging, Settings

__all__ = ["Database", "Logging", "Settings", "SettingsError", "build", "load", "merge"]
