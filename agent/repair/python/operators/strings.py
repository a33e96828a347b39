"""Text: slips in regular expressions, format fields, and the prefix of a literal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agent.repair.edit import Edit
from agent.repair.python.context import Context
from agent.repair.python.operators.constants import is_docstring
from agent.repair.python.operators.names import called
from agent.repair.python.operators.registry import operator

LITERAL = re.compile(r"([A-Za-z]*)('''|\"\"\"|'|\")")
RE_CALLS = frozenset(
    {"compile", "match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn"}
)
FLAGS = ("re.IGNORECASE", "re.MULTILINE", "re.DOTALL")
MAX_NAMES = 6
TEXT_METHODS = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "capitalize"}
    | {"replace", "removeprefix", "removesuffix", "join", "format", "decode", "read_text"}
)
"""Methods that give a text."""
NORMALISERS = ("lower", "strip", "upper", "casefold", "rstrip")

SLIPS: tuple[tuple[str, str], ...] = (
    (r"[\d]", "[0-9]"), (r"\d", "[0-9]"), (r"\d", "0-9"), ("[0-9]", r"\d"),
    (r"\.", "."), (".", r"\."), ("*", "+"), ("+", "*"),
    ("*", "*?"), ("+", "+?"), ("*?", "*"), ("+?", "+"), ("?", ""), (r"\w", r"\S"), (r"\S", r"\w"),
    (r"\s*", r"\s+"), (r"\s", " "), (" ", r"\s*"), ("$", r"\Z"), ("$", ""), ("^", ""), (r"\b", ""),
    ("a-z", "a-zA-Z"), ("A-Z", "a-zA-Z"), ("(", "(?:"), (")", ")?"), ("]", "]?"), ("]", "]+"),
    ("]", "]*"), (r"\d", r"\d+"), (r"\w", r"\w+"), ("|", ""),
)  # fmt: skip
"""What stands in a pattern and what was meant."""


def literal(node: ast.AST, context: Context) -> tuple[str, int, int] | None:
    """Prefix of a string literal and the offsets of what it holds; None for several in a row."""
    text, start = context.text(node), context.module.start(node)
    match = LITERAL.match(text)
    if match is None or not text.endswith(match[2]):
        return None
    first, last = match.end(), len(text) - len(match[2])
    if first > last or (match[2] in text[first:last] and "\\" not in text[first:last]):
        return None
    return match[1].lower(), start + first, start + last


def _pattern(node: ast.Constant, prefix: str, context: Context) -> bool:
    """Whether a literal is plainly a regular expression."""
    child, parent = node, context.parent(node)
    while isinstance(parent, ast.BinOp):
        child, parent = parent, context.parent(parent)  # type: ignore[assignment]
    if isinstance(parent, ast.Call) and parent.args[:1] == [child]:
        receiver = getattr(getattr(parent.func, "value", None), "id", "")
        return receiver in ("re", "regex") and getattr(parent.func, "attr", "") in RE_CALLS
    return "r" in prefix


@operator("pattern-slip", ast.Constant, prior=2.0)
def pattern_slip(node: ast.Constant, context: Context) -> Iterator[Edit]:
    """`.` for `\\.`, `*` for `+`, an anchor missing or superfluous."""
    found = literal(node, context) if isinstance(node.value, str) else None
    if found is None or not _pattern(node, found[0], context):
        return
    prefix, start, end = found
    slash = "\\" if "r" in prefix else "\\\\"
    text, line = context.module.text[start:end], context.line(node)
    for old, new in SLIPS:
        old, new = old.replace("\\", slash), new.replace("\\", slash)
        position = text.find(old)
        while position >= 0:
            plain = old.startswith(slash) or not text[:position].endswith("\\")
            if plain and not text.startswith(new, position + len(old) - len(new)):
                yield Edit(start + position, start + position + len(old), new, line=line)
            position = text.find(old, position + len(old))
    for place, anchor in ((start, "^"), (end, "$"), (end, slash + "Z"), (start, slash + "b"),
                          (end, slash + "b"), (start, "(?i)")):  # fmt: skip
        yield Edit(place, place, anchor, line=line)


@operator("pattern-flag", ast.Call, prior=1.0)
def pattern_flag(node: ast.Call, context: Context) -> Iterator[Edit]:
    """`re.compile(p)` for `re.compile(p, re.IGNORECASE)`."""
    name = getattr(node.func, "attr", "")
    if name not in RE_CALLS or context.text(node.func) != f"re.{name}":
        return
    if name in ("sub", "subn") and len(node.args) == 4:
        yield context.replace(node.args[3], f"flags={context.text(node.args[3])}", 3.0)
    if "re." in context.text(node).removeprefix("re.") or any(
        k.arg == "flags" for k in node.keywords
    ):
        return
    by_position = len(node.args) == (1 if name == "compile" else 2) and name[:3] not in (
        "sub",
        "spl",
    )
    for flag in FLAGS:
        yield context.append_argument(node, flag if by_position else f"flags={flag}")


@operator("format-field", ast.Constant, ast.JoinedStr, prior=1.5)
def format_field(node: ast.Constant | ast.JoinedStr, context: Context) -> Iterator[Edit]:
    """`%s` for `%r`, `{x}` for `{x!r}`, `.1f` for `.2f`."""
    found = literal(node, context)
    if found is None or (isinstance(node, ast.Constant) and is_docstring(node, context)):
        return
    _, start, end = found
    text, line = context.module.text[start:end], context.line(node)
    for match in re.finditer(r"%([srdi])|\{(\w[\w.\[\]]*|)(\}|!r\}|!s\})|\.(\d)([fge%])", text):
        here = start + match.start()
        if match[1]:
            others = [f"%{kind}" for kind in "srd" if kind != match[1]]
        elif match[3]:
            ends = [e for e in ("}", "!r}", "!s}", ":.2f}", ":d}") if e != match[3]]
            others = [f"{{{match[2]}{e}" for e in ends]
        else:
            near = (int(match[4]) + 1, int(match[4]) - 1)
            others = [f".{digits}{match[5]}" for digits in near if digits >= 0]
        for other in others:
            yield Edit(here, here + len(match[0]), other, line=line)


@operator("format-name", ast.JoinedStr, prior=2.0)
def format_name(node: ast.JoinedStr, context: Context) -> Iterator[Edit]:
    """Another name in a field of an f-string."""
    found = literal(node, context)
    if found is None:
        return
    _, start, end = found
    line = context.line(node)
    for match in re.finditer(
        r"(?<!\{)\{(?:self\.)?([A-Za-z_]\w*)(\.\w+)?", context.module.text[start:end]
    ):
        first, last = start + match.start() + 1, start + match.end(1)
        if match[2]:
            yield Edit(last, start + match.end(), "", line=line)
        own = context.module.text[first:last]
        donors = [name for name in context.local_names if name != own][:MAX_NAMES]
        if own.startswith("self."):
            donors += [f"self.{a}" for a in context.attributes.get("self", ())][:MAX_NAMES]
        else:
            attributes = context.attributes.get(own, ())
            donors += [f"{own}.{a}" for a in attributes[:3]]
            donors += [f"len({own})", f"str({own})"]
        for donor in donors:
            if donor != own:
                yield Edit(first, last, donor, line=line)


@operator("literal-prefix", ast.Constant, ast.JoinedStr, prior=1.5)
def literal_prefix(node: ast.Constant | ast.JoinedStr, context: Context) -> Iterator[Edit]:
    """A missing or superfluous `f`, `b` or `r` in front of a literal."""
    found = literal(node, context)
    if found is None or (isinstance(node, ast.Constant) and is_docstring(node, context)):
        return
    prefix, start, end = found
    text, begin, line = context.module.text, context.module.start(node), context.line(node)
    names = re.findall(r"(?<!\{)\{([A-Za-z_]\w*)", text[start:end])
    known = (*context.local_names, *context.module_names, "self")
    if not prefix and any(name in known for name in names):
        yield Edit(begin, begin, "f", weight=3.0, line=line)
    elif "f" in prefix or "b" in prefix:
        yield Edit(begin, begin + len(prefix), re.sub("[fb]", "", prefix), line=line)
    elif not prefix:
        yield Edit(begin, begin, "b", weight=0.5, line=line)
        if "\\" in text[start:end]:
            yield Edit(begin, begin, "r", line=line)


@operator("normalise-text", ast.Call, ast.Name, prior=2.0)
def normalise_text(node: ast.Call | ast.Name, context: Context) -> Iterator[Edit]:
    """Case or blanks that are to make no difference: `name.removeprefix(x).lower()`."""
    parent, own = context.parent(node), ""
    if isinstance(parent, ast.Attribute | ast.FormattedValue | ast.Expr) or called(node, context):
        return
    if isinstance(node, ast.Call):
        own = getattr(node.func, "attr", "")
        is_text = own in TEXT_METHODS
    else:
        used = isinstance(parent, ast.Call | ast.Compare | ast.Subscript)
        is_text = used and isinstance(node.ctx, ast.Load) and node.id in _texts(context)
    for method in NORMALISERS if is_text else ():
        if method != own:
            yield context.replace(node, f"{context.text(node)}.{method}()")


def _texts(context: Context) -> set[str]:
    """Parameters that are annotated as text."""
    if context.function is None:
        return set()
    spec = context.function.args
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    return {one.arg for one in every if getattr(one.annotation, "id", "") == "str"}
