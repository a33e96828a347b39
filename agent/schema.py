"""The forms of what this program writes for other programs, as JSON Schema (draft 2020-12)."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report() -> dict[str, Any]:
    """Of the file that `agent fix --json` writes."""
    from agent.report import Report

    return _published("report", 1, TypeAdapter(Report))


def event() -> dict[str, Any]:
    """Of one thing that happens in a run, as every front end sees it."""
    from agent.events import EVENT

    return _published("event", 1, EVENT)


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"report": report, "event": event}


def _published(name: str, version: int, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema(mode="serialization")
    known = _models()
    for title, part in [*schema.get("$defs", {}).items(), (schema.get("title"), schema)]:
        for field, text in _told(known.get(str(title))).items():
            if field in part.get("properties", {}):
                part["properties"][field].setdefault("description", text)
    return {"$schema": DIALECT, "$id": f"urn:locum:{name}:{version}", **schema}


def _models() -> dict[str, type[BaseModel]]:
    from agent import events, report, state

    return {
        name: value
        for module in (state, events, report)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel)
    }


def _told(model: type[BaseModel] | None) -> dict[str, str]:
    """What the strings below a class's fields say, by field."""
    if model is None:
        return {}
    (tree,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(tree, ast.ClassDef)
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(below.value.value, str)
    }
