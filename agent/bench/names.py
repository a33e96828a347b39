"""One test, named by two runners: pytest's node id, unittest's dotted name, another root."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.repair.outcomes import passes
from tools.report import Outcome, TestReport, TestResult


def find(name: str, results: Iterable[TestResult]) -> tuple[TestResult, ...]:
    """The results of the test: by its very name, else by what ends like it.

    Else the only one of its class and name, for one file may import the test classes of another.
    """
    every = tuple(results)
    exact = tuple(result for result in every if result.id == name)
    if exact:
        return exact
    wanted = _parts(name)
    alike = tuple(result for result in every if _agree(wanted, _parts(result.id)))
    method = _method(name)
    if alike or not method:
        return alike
    elsewhere = tuple(result for result in every if _method(result.id) == method)
    return elsewhere if len(elsewhere) == 1 else ()


def passes_now(name: str, report: TestReport) -> bool:
    """Whether a test that failed passes; a parametrised one may be gone by another name."""
    found = find(name, report.results)
    return bool(found) and all(passes(result.id, report) for result in found)


def failed_before(name: str, report: TestReport) -> bool:
    """Whether the test, or the file that it is in, failed."""
    found = find(name, report.results)
    if found:
        return all(result.outcome is not Outcome.PASSED for result in found)
    wanted = _parts(name)[0]
    return any(_is_prefix(_parts(result.id)[0], wanted) for result in report.failing)


def _method(name: str) -> str:
    """Class, function and parameters of a pytest id; empty for a function without a class."""
    _, _, inside = name.partition("::")
    return inside if "::" in inside.partition("[")[0] else ""


def _parts(name: str) -> tuple[tuple[str, ...], str]:
    """Folders, module, class and function; and the parameters."""
    bare, bracket, parameters = name.partition("[")
    dotted = bare.replace(".py::", ".").removesuffix(".py").replace("::", ".").replace("/", ".")
    return tuple(dotted.split(".")), bracket + parameters


def _agree(one: tuple[tuple[str, ...], str], other: tuple[tuple[str, ...], str]) -> bool:
    """The shorter name must be the end of the longer one, and name a file at least."""
    size = min(len(one[0]), len(other[0]))
    return size > 1 and one[0][-size:] == other[0][-size:] and one[1] == other[1]


def _is_prefix(short: Sequence[str], whole: Sequence[str]) -> bool:
    return tuple(whole[: len(short)]) == tuple(short)
