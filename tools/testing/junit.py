"""Results out of JUnit XML files, which come from the repository and are not to be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from tools.report import Outcome, TestResult
from tools.text import head_and_tail, one_line, strip_control

SIZE_LIMIT = 32 * 1024 * 1024
_FLAGS = ("--junitxml", "--junit-xml", "--junitxml-path", "--output-file")
_OUTCOMES = {"failure": Outcome.FAILED, "error": Outcome.ERROR, "skipped": Outcome.SKIPPED}


class _DoctypeFoundError(Exception):
    """A document type declaration, which no report has."""


class _NoDoctype(TreeBuilder):
    # Entities can only be declared in a document type declaration, which reports never have.
    def doctype(self, *declaration: str | None) -> None:
        raise _DoctypeFoundError(declaration)


def named_files(argv: Sequence[str]) -> tuple[str, ...]:
    """Report files that the command's own options name."""
    found = []
    for number, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in _FLAGS and equals:
            found.append(value)
        elif name in _FLAGS and number + 1 < len(argv):
            found.append(argv[number + 1])
    return tuple(found)


def snapshot(root: Path) -> Mapping[Path, tuple[int, int]]:
    """Size and time of every XML file, to tell later which are new."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in _xml_files(root)}


def read_results(
    root: Path, before: Mapping[Path, tuple[int, int]], named: Sequence[str]
) -> tuple[TestResult, ...]:
    """The results in files that are named or new; a file that is no JUnit report gives none."""
    paths = [root / name for name in named]
    paths += [path for path, state in snapshot(root).items() if before.get(path) != state]
    results: dict[str, TestResult] = {}
    for path in dict.fromkeys(paths):
        for result in _read(path, root):
            results[result.id] = result
    return tuple(results.values())


def _xml_files(root: Path) -> Iterator[Path]:
    hidden = {".git", "node_modules", ".venv", "venv"}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in hidden]
        for name in files:
            path = Path(folder, name)
            if name.endswith(".xml") and path.is_file() and not path.is_symlink():
                yield path


def _read(path: Path, root: Path) -> Iterator[TestResult]:
    try:
        if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
            return
        if path.stat().st_size > SIZE_LIMIT:
            return
        parser = XMLParser(target=_NoDoctype())
        parser.feed(path.read_bytes())
        tree: Element = parser.close()
    except (OSError, ParseError, _DoctypeFoundError, ValueError):
        return
    if tree.tag in ("testsuites", "testsuite"):
        yield from (_result(case) for case in tree.iter("testcase"))


def _result(case: Element) -> TestResult:
    outcome, message, text = Outcome.PASSED, "", ""
    for child in case:
        if child.tag in _OUTCOMES:
            outcome = _OUTCOMES[child.tag]
            message = one_line(child.get("message") or child.text or "", 400)
            text = head_and_tail(strip_control(child.text or ""), 3900)
            break
    names = [part for part in (case.get("classname"), case.get("name")) if part]
    return TestResult(
        id=one_line("::".join(names), 500),
        outcome=outcome,
        seconds=_seconds(case.get("time")),
        message=message,
        traceback=text,
        path=one_line(case.get("file") or "", 500),
    )


def _seconds(text: str | None) -> float:
    try:
        return max(float((text or "0").replace(",", "")), 0.0)
    except ValueError:
        return 0.0
