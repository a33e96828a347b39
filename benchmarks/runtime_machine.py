"""What the machine could do at best: memory bandwidth and matrix products, measured."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_BYTES = 512 << 20
_SIDE = 2048


def bandwidth(threads: int, times: int = 5) -> float:
    """Bytes a second that so many threads read from memory."""
    parts = [np.ones(_BYTES // threads // 8) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        best = min(_seconds(lambda: list(pool.map(np.max, parts))) for _ in range(times))
    return sum(part.nbytes for part in parts) / best


def matrix_product(times: int = 5) -> float:
    """Floating-point operations a second of a product of matrices in single precision."""
    left = np.ones((_SIDE, _SIDE), dtype=np.float32)
    right = np.ones((_SIDE, _SIDE), dtype=np.float32)
    best = min(_seconds(lambda: left @ right) for _ in range(times))
    return float(2 * _SIDE**3 / best)


def _seconds(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
