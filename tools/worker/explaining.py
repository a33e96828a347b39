"""What a failing test runs only to explain itself is no evidence of where the fault lies.

A failing assertion writes its operands out, and so does the report of the failure: without this
every `__repr__` of the repository that it needs would look as if only failing tests ran it.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any, Callable

from .coverage import Coverage

# Called by rewritten assertions and by unittest's, looked up in these modules at every call.
EXPLAINERS = {
    "_pytest.assertion.rewrite": ("_saferepr", "_call_reprcompare"),
    "unittest.case": ("safe_repr", "_common_shorten_repr"),
}


def ignore_explanations(coverage: Coverage) -> None:
    """From now on, lines that run inside an explanation are recorded for no test."""
    # Loaded by pytest only with the first test that needs it, which would be too late.
    importlib.import_module("unittest.case")
    for module, names in EXPLAINERS.items():
        holder = sys.modules.get(module)
        for name in names:
            function = getattr(holder, name, None)
            if function is not None:
                setattr(holder, name, _unrecorded(function, coverage))


def _unrecorded(function: Callable[..., Any], coverage: Coverage) -> Callable[..., Any]:
    @functools.wraps(function)
    def explain(*arguments: Any, **options: Any) -> Any:
        with coverage.paused():
            return function(*arguments, **options)

    return explain
