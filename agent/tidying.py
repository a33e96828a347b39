"""Duplication and style: what is found, and the one candidate that mends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from agent.deps import Deps
from agent.repair.clones import Clone
from agent.repair.seams import Candidate, Splice
from agent.repair.vendored import is_vendored
from agent.state import Kind, PlanItem, Scope, Status
from tools.commands import Finding
from tools.text import one_line

LINT_FILES = 200
"""Files handed to the linter at once."""
_CONFIGURED = ("ruff.toml", ".ruff.toml")


def items(deps: Deps, scope: frozenset[str] | None) -> list[PlanItem]:
    """Plan items in the files of `scope`; None stands for every source file."""
    if scope is not None and not scope:
        return []
    wanted = sorted(p for p in sources(deps) if scope is None or p in scope)
    clones = [clone for clone in _clones(deps) if clone.path in wanted]
    found = [_clone_item(clone) for clone in clones]
    if deps.task.scope is Scope.ALL or _has_style(deps):
        found += _style_items(deps, wanted)
    return found


def candidates(deps: Deps, item: PlanItem) -> tuple[Candidate, ...]:
    """The edit of an item, on the workspace as it is now; empty when it is no longer there."""
    if item.kind is Kind.DUPLICATION:
        return tuple(
            clone.candidate for clone in _clones(deps) if clone.key == (item.path, item.subject)
        )
    fixed = deps.call("lint", paths=[item.path], fix=True).data or {}
    if item.path not in fixed:
        return ()
    before = deps.workspace.read(item.path)
    whole = Splice(path=item.path, start=0, end=len(before), text=fixed[item.path])
    return (Candidate(strategy="style", operator=item.subject, splices=(whole,)),)


def sources(deps: Deps) -> list[str]:
    """Source files of the repository that may be edited: no tests, no vendored code."""
    return [
        path
        for path in deps.workspace.manifest.files
        if deps.language.owns(path) and not deps.language.is_test(path) and not is_vendored(path)
    ]


def _clones(deps: Deps) -> tuple[Clone, ...]:
    # Tests tell how modules are imported, so the finder sees them too.
    paths = [path for path in deps.workspace.manifest.files if deps.language.owns(path)]
    return deps.clones.find(deps.workspace.root, paths)


def _clone_item(clone: Clone) -> PlanItem:
    return PlanItem(
        number=0,
        kind=Kind.DUPLICATION,
        title=f"`{clone.name}` is written again; `{clone.canonical_path}` has it already",
        path=clone.path,
        first_line=clone.first_line,
        last_line=clone.last_line,
        evidence=clone.reasons,
        proposal=f"Import `{clone.canonical_name}` from `{clone.canonical_path}` instead.",
        subject=clone.name,
    )


def _has_style(deps: Deps) -> bool:
    """Whether the repository has linter rules of its own; nobody asked for ours."""
    files = deps.workspace.manifest.files
    if any(name in files for name in _CONFIGURED):
        return True
    return "pyproject.toml" in files and "[tool.ruff" in deps.workspace.read("pyproject.toml")


def _style_items(deps: Deps, paths: list[str]) -> Iterable[PlanItem]:
    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    for start in range(0, len(paths), LINT_FILES):
        for finding in deps.call("lint", paths=paths[start : start + LINT_FILES]).data or ():
            by_file[finding.path].append(finding)
    for path, findings in sorted(by_file.items()):
        mendable = [finding for finding in findings if finding.fixable]
        if mendable:
            yield _style_item(path, mendable, Status.OPEN)
        elif deps.task.scope is Scope.ALL:
            yield _style_item(path, findings, Status.REPORTED)


def _style_item(path: str, findings: list[Finding], status: Status) -> PlanItem:
    rules = ", ".join(sorted({finding.code for finding in findings}))
    count = len(findings)
    return PlanItem(
        number=0,
        kind=Kind.STYLE,
        title=f"{count} finding{'s' * (count > 1)} of the linter ({rules})",
        path=path,
        first_line=min(finding.line for finding in findings),
        last_line=max(finding.line for finding in findings),
        evidence=tuple(f"line {f.line}: {f.code} {one_line(f.message, 120)}" for f in findings[:5]),
        proposal="The linter's safe fixes."
        if status is Status.OPEN
        else "None that is safe; it needs a person.",
        subject=rules,
        status=status,
    )
