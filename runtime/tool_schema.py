"""Whether the arguments of a tool call are what the tool declared with its JSON Schema.

The schema comes from a client, so checking it is bounded: references only within the schema and
only so many of them, and no regular expressions, which can take exponential time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from runtime.call_json import Call
from runtime.toolcalls import ToolCallParser

_MOST_REFERENCES = 10_000
_MOST_BYTES = 256 * 1024
_IGNORED = ("pattern", "patternProperties", "format")


class BadSchema(ValueError):
    """The parameters of a tool are no usable JSON Schema; the text is one sentence."""


class Tools:
    """The tools that a request declares: their names, and the check of their arguments."""

    def __init__(self, functions: Sequence[Mapping[str, Any]]) -> None:
        self._schemas: dict[str, dict[str, Any]] = {
            str(function["name"]): _object(function.get("parameters")) for function in functions
        }

    @property
    def names(self) -> frozenset[str]:
        """What may be called."""
        return frozenset(self._schemas)

    def require(self) -> None:
        """Raise BadSchema unless every schema can be checked against."""
        for name, schema in self._schemas.items():
            try:
                if len(json.dumps(schema)) > _MOST_BYTES:
                    raise BadSchema(f"the parameters of the tool {name!r} are too large")
                Draft202012Validator.check_schema(_plain(schema))
                _Checker(schema).fits({})
            except (SchemaError, Unresolvable, RecursionError) as error:
                why = error.message if isinstance(error, SchemaError) else "a reference is wrong"
                raise BadSchema(
                    f"the parameters of the tool {name!r} are no usable JSON Schema: {why}"
                ) from None

    def accepted(self, call: Call) -> Call | None:
        """The call with arguments as declared; None if they are not.

        A number or truth value that was written as a string becomes what the schema wants.
        """
        schema = self._schemas.get(call.name)
        if schema is None:
            return None
        given: dict[str, Any] = json.loads(call.arguments)
        try:
            checker = _Checker(schema)
            if checker.fits(given):
                return call
            mended = _mended(given, schema)
            if mended == given or not checker.fits(mended):
                return None
        except (SchemaError, Unresolvable, RecursionError):
            return None
        return Call(call.name, json.dumps(mended, ensure_ascii=False))


def parser(functions: Sequence[Mapping[str, Any]]) -> ToolCallParser:
    """What finds calls of these functions in text."""
    tools = Tools(functions)
    return ToolCallParser(tools.names, tools.accepted)


class _Checker:
    """Checks values against one schema, with a bound on the references followed."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._left = _MOST_REFERENCES
        follow = Draft202012Validator.VALIDATORS["$ref"]

        def counted(
            validator: Any, reference: Any, instance: Any, parent: Any
        ) -> Iterator[ValidationError]:
            self._left -= 1
            if self._left < 0:
                raise RecursionError
            yield from follow(validator, reference, instance, parent) or ()

        rules = {"$ref": counted} | dict.fromkeys(_IGNORED, _anything)
        extend: Any = jsonschema.validators.extend
        kind = extend(Draft202012Validator, rules)
        # An empty registry: a reference to elsewhere is never fetched.
        self._validator = kind(schema, registry=Registry())

    def fits(self, value: Any) -> bool:
        """Whether the value is as declared; raises RecursionError beyond the bound."""
        return not any(True for _ in self._validator.iter_errors(value))


def _anything(*_: Any) -> Iterator[ValidationError]:
    return iter(())


def _object(schema: Any) -> dict[str, Any]:
    return dict(schema) if isinstance(schema, Mapping) else {}


def _plain(schema: Any) -> Any:
    """The schema without what is not checked, which may be malformed without harm."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if key not in _IGNORED}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def _mended(given: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    declared = properties if isinstance(properties, dict) else {}
    return {key: _typed(value, declared.get(key)) for key, value in given.items()}


def _typed(value: Any, schema: Any) -> Any:
    """A string as the number, truth value, list or object that it spells, if one is declared."""
    kinds = schema.get("type") if isinstance(schema, dict) else None
    wanted = kinds if isinstance(kinds, list) else [kinds]
    if not isinstance(value, str) or kinds is None or "string" in wanted:
        return value
    word = value.strip()
    word = word.lower() if word in ("True", "False") else word
    try:
        spelled = json.loads(word)
    except (ValueError, RecursionError):
        return value
    return value if isinstance(spelled, str) else spelled
