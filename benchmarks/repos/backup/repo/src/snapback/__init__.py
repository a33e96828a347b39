"""Copies of a folder, numbered from the newest on."""

from snapback.archive import Archive
from snapback.manifest import Difference, Manifest
from snapback.patterns import Patterns

__all__ = ["Archive", "Difference", "Manifest", "Patterns"]
