"""One small example of every usual slip: its edits hold the mend."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.repair.python.language import PythonLanguage
from agent.repair.python.operators import OPERATORS
from agent.repair.python.templates import PythonTemplates, proposals
from agent.repair.seams import Suspect

LANGUAGE = PythonLanguage()
EXAMPLES = Path(__file__).with_name("slips.txt")


def suspect_in(source: str) -> Suspect:
    """The function `f`."""
    span = next(s for s in LANGUAGE.spans(source) if s.name in ("f", "A.f"))
    first, last = span.first_line, span.last_line
    return Suspect(path="pkg/m.py", name=span.name, first_line=first, last_line=last, score=1.0)


def mended(source: str, read: Callable[[str], str | None] | None = None) -> set[str]:
    """Every text to which `f` is edited, normalised."""
    edits = PythonTemplates().edits(source, suspect_in(source), read)
    return {plain(edit.apply(source)) for edit in edits}


def plain(source: str) -> str:
    return ast.unparse(ast.parse(source))


def whole(example: str) -> str:
    """An example as a file: a bare body becomes a function."""
    if "def f(" in example:
        return example + "\n"
    return "def f(a, b, items):\n" + "".join(f"    {line}\n" for line in example.splitlines())


def examples() -> Iterator[tuple[str, str, str]]:
    kind = ""
    for block in EXAMPLES.read_text(encoding="utf-8").split("\n\n")[1:]:
        if block.startswith("# "):
            kind = block[2:]
        else:
            bug, fix = block.split("\n=>\n")
            yield kind, whole(bug), whole(fix.rstrip())


@pytest.mark.parametrize(
    ("bug", "fix"), [pytest.param(bug, fix, id=kind) for kind, bug, fix in examples()]
)
def test_a_usual_slip_has_its_mend(bug: str, fix: str):
    assert plain(fix) != plain(bug)
    assert plain(fix) in mended(bug)


def test_every_operator_has_an_example():
    bugs = {bug for _, bug, _ in examples()}
    used = {edit.operator for bug in bugs for edit in proposals(bug, suspect_in(bug))}
    files = {"neighbour-function"}
    missing = {op.name for op in OPERATORS} - used - files
    modules = {op.body.__module__.rpartition(".")[2] for op in OPERATORS if op.name in missing}
    assert modules == {"raising", "raising_expected"}, "see the tests of these"


def test_functions_of_imported_modules_are_donors():
    files = {
        "pkg/text.py": "".join(f"def {head}:\n    pass\n" for head in
                               ("clean(a)", "tidy(a)", "cut(a, b)")),
        "pkg/shape.py": "def area(a, unit='m'):\n    pass\n",
    }  # fmt: skip
    head = "from . import text\nfrom pkg.shape import area\n\n"
    source = head + "def f(a, unit):\n    return text.clean(area(a))\n"
    found = mended(source, files.get)
    assert plain(source.replace("clean", "tidy")) in found
    assert plain(source.replace("clean", "cut")) not in found, "it takes another argument"
    assert plain(source.replace("area(a)", "area(a, unit=unit)")) in found
    assert plain(source.replace("clean", "tidy")) not in mended(source)
