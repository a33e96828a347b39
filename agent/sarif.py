"""The plan's findings as SARIF 2.1.0, as code scanning services and editors read it.

Format: OASIS Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any
from urllib.parse import quote

from agent.report import ItemReport, Report
from agent.state import Kind
from tools.text import strip_control

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_RULES = {
    Kind.BUG: ("failing-test", "error", "A test fails, and this is the code it points at."),
    Kind.DUPLICATION: ("duplication", "note", "The same function stands in two places."),
    Kind.STYLE: ("style", "warning", "The repository's own linter rules are not kept."),
}


def render(report: Report) -> dict[str, Any]:
    """One run with a result for each item of the plan, its accepted patch as the fix."""
    rules = [
        {"id": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for name, level, text in _RULES.values()
    ]
    driver = {"name": "locum", "version": metadata.version("locum"), "rules": rules}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"locum/{report.run_id}"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item) for item in report.items],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(item: ItemReport) -> dict[str, Any]:
    rule, level, _ = _RULES[item.kind]
    told = ". ".join([item.title, *item.evidence])
    region = {"startLine": item.first_line, "endLine": item.last_line}
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": [name for name, _, _ in _RULES.values()].index(rule),
        "level": level,
        "message": {"text": strip_control(told)},
        "locations": [{"physicalLocation": {**_file(item.path), "region": region}}],
        "partialFingerprints": {"item/v1": _fingerprint(item)},
        "properties": {"status": item.status.value, "subject": item.subject},
    }
    changes = list(_changes(item.patch))
    if changes:
        text = f"Passes the tests ({item.strategy})"
        result["fixes"] = [{"description": {"text": text}, "artifactChanges": changes}]
    return result


def _file(path: str) -> dict[str, Any]:
    """Relative to the repository's root, which the reader of the file knows."""
    place = quote(path, errors="surrogateescape")
    return {"artifactLocation": {"uri": place, "uriBaseId": "%SRCROOT%"}}


def _fingerprint(item: ItemReport) -> str:
    """The same for one finding in two runs, whatever line it has moved to."""
    parts = "\0".join([item.kind, item.path, item.subject or item.title])
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _changes(patch: str) -> Iterator[dict[str, Any]]:
    """Each file of a unified diff with its hunks as replacements of whole lines."""
    path, hunks = "", list[dict[str, Any]]()
    for block in re.split(r"^(?=--- |@@ )", patch, flags=re.MULTILINE):
        lines = block.splitlines(keepends=True)
        if len(lines) > 1 and lines[0].startswith("--- ") and lines[1].startswith("+++ "):
            if hunks:
                yield {**_file(path), "replacements": hunks}
            hunks = []
            path = (
                "" if lines[0].startswith("--- /dev/null") else lines[0][6:].split("\t")[0].strip()
            )
        elif path and (match := _HUNK.match(block)):
            hunks.append(_replacement(int(match[1]), lines[1:]))
    if hunks:
        yield {**_file(path), "replacements": hunks}


def _replacement(first: int, lines: list[str]) -> dict[str, Any]:
    old = [line for line in lines if line[0] in " -"]
    new = "".join(line[1:] for line in lines if line[0] in " +")
    region = {"startLine": first, "startColumn": 1, "endLine": first + len(old), "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": new}}
