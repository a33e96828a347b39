"""Fetches many things at once, but not too many."""

from fetchpool.limiter import Limiter
from fetchpool.pool import Pool, Progress, Result
from fetchpool.retry import Backoff, GaveUp, Temporary, retrying
from fetchpool.store import MemoryStore

__all__ = [
    "Backoff",
    "GaveUp",
    "Limiter",
    "MemoryStore",
    "Pool",
    "Progress",
    "Result",
    "Temporary",
    "retrying",
]
