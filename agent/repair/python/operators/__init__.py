"""Typed edits of Python code, one family a file; importing a family registers its operators."""

from __future__ import annotations

from agent.repair.python.operators import (  # noqa: F401  (imported for registration)
    arithmetic,
    booleans,
    calls,
    cleanup,
    comparisons,
    constants,
    conversions,
    donors,
    families,
    flow,
    guards,
    indices,
    literals,
    members,
    missing,
    names,
    nothing,
    raising,
    raising_expected,
    statements,
    strings,
)
from agent.repair.python.operators.registry import OPERATORS, Operator

__all__ = ["OPERATORS", "Operator"]
