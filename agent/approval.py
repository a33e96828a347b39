"""What a person is asked before a patch is applied, and what the answer can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Alternative:
    """Another edit that passes the tests of an item and was not chosen."""

    item: int
    """Number of the plan's item."""
    place: int
    """Its place behind the chosen edit, from 0."""
    diff: str
    """Against the code before the item's edit."""
    why: str
    """Why it ranks lower."""


@dataclass(frozen=True)
class Change:
    """One changed file that a person is asked about."""

    file: str
    target: str
    """The absolute path that would be written, links resolved."""
    what: tuple[str, ...]
    """The plan's items that it mends, one line each."""
    why: str
    """Why a person is asked: the rule, in words."""
    apart: bool
    """It can change how code is run or checked, so it is asked about by itself."""


@dataclass(frozen=True)
class ApprovalRequest:
    """Plan and diff were shown by now; nothing outside the copy was touched."""

    files: tuple[str, ...]
    tree: str
    """Absolute path of the tree that they would be written to."""
    branch: str = ""
    """The new branch that they would be committed on instead; empty: none was asked for."""
    changes: tuple[Change, ...] = ()
    evidence: tuple[str, ...] = ()
    """What the tests said, and what else speaks for or against the patch."""
    risks: tuple[str, ...] = ()
    copy: str = ""
    """Absolute path of the tree that holds them now, as they would be written."""
    alternatives: tuple[Alternative, ...] = ()
    note: str = ""
    """What became of the revision that was asked for last; empty when there was none."""


@dataclass(frozen=True)
class Revision:
    """Another patch is wanted; the tests decide about it, and then it is asked for again."""

    kind: Literal["alternative", "edited", "another"]
    """Take an alternative; take these texts; or refuse the edit and search on."""
    item: int = 0
    """Of an alternative, or the item whose edit is refused; 0: the last one mended."""
    place: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    """Whole new texts by path, where a person edited them."""


@dataclass(frozen=True)
class ApprovalAnswer:
    approved: bool
    reason: str = ""
    """Why not; with a refused edit the search reads it, too."""
    files: tuple[str, ...] | None = None
    """Those that were approved, when not all of them were; None: all."""
    revision: Revision | None = None


Approver = Callable[[ApprovalRequest], ApprovalAnswer]
