"""Caches that forget what was used least recently."""

from memostore.cache import Cache
from memostore.decorator import memoise
from memostore.stats import Stats

__all__ = ["Cache", "Stats", "memoise"]
