"""SARIF of a plan: the form that the standard asks for, and fixes that are the patch."""

from __future__ import annotations

import difflib
import json
from typing import Any

import jsonschema
import pytest
from reports import item, report

from agent import sarif

OLD = "".join(f"line {n}\n" for n in range(1, 31))
NEW = OLD.replace("line 3\n", "").replace("line 20\n", "line twenty\nmore\n")

# What section 3 of the standard asks of the properties that are used here.
_LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                },
                "region": {
                    "required": ["startLine"],
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
FORM = {
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"properties": {"driver": {"required": ["name", "rules"]}}},
                    "results": {
                        "items": {
                            "required": ["ruleId", "message", "locations"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "locations": {"minItems": 1, "items": _LOCATION},
                            },
                        }
                    },
                },
            }
        },
    },
}


def result(**changes: Any) -> dict[str, Any]:
    log = json.loads(json.dumps(sarif.render(report(item(**changes)))))
    jsonschema.validate(log, FORM)
    (found,) = log["runs"][0]["results"]
    assert log["runs"][0]["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
    return dict(found)


def patched(text: str, replacements: list[dict[str, Any]]) -> str:
    """What an editor makes of the fix."""
    lines = text.splitlines(keepends=True)
    for one in reversed(replacements):
        region = one["deletedRegion"]
        new = one["insertedContent"]["text"]
        lines[region["startLine"] - 1 : region["endLine"] - 1] = [new] if new else []
    return "".join(lines)


def diff(old: str, new: str, before: str = "a/src/a b.py") -> str:
    rows = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), before, "b/src/a b.py"
    )
    return "".join(rows)


def test_an_item_is_a_result_at_its_lines() -> None:
    found = result(path="src/a b.py", first_line=3, last_line=5, kind="duplication")
    (place,) = found["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "src/a%20b.py"
    assert place["physicalLocation"]["region"] == {"startLine": 3, "endLine": 5}
    assert (found["ruleId"], found["level"]) == ("duplication", "note")
    assert "fixes" not in found


def test_its_fix_is_its_patch() -> None:
    (fix,) = result(patch=diff(OLD, NEW))["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "src/a%20b.py"
    assert len(change["replacements"]) == 2
    assert patched(OLD, change["replacements"]) == NEW


def test_a_new_file_is_no_replacement() -> None:
    assert "fixes" not in result(patch=diff("", NEW, "/dev/null"))


def test_a_finding_keeps_its_fingerprint_when_it_moves() -> None:
    prints = [result(first_line=n, last_line=n)["partialFingerprints"] for n in (3, 9)]
    assert prints[0] == prints[1] != result(path="other.py")["partialFingerprints"]


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb"])
def test_text_that_steers_a_terminal_is_left_out(text: str) -> None:
    assert text not in result(title=text)["message"]["text"]
