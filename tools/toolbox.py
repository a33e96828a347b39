"""The tools themselves: names, JSON Schemas, and what each does with valid arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tools.beneath import Root
from tools.commands import CommandRunner
from tools.errors import RefusedCommand
from tools.files import DEEPEST, list_files, read_file
from tools.policy import Policy
from tools.report import TestReport
from tools.sandbox.base import Sandbox
from tools.search import LONGEST_PATTERN, search
from tools.text import strip_control
from tools.workspace import Workspace


@dataclass(frozen=True)
class Output:
    """What a tool gives back: text for the model, a value for the harness."""

    content: str
    data: Any = None
    ok: bool = True
    again: str | None = None
    """What a repetition of the call gives again; None where that is the whole text."""
    cut: bool = False
    """The clock ended it, so a repetition may give something else."""


@dataclass(frozen=True)
class Tool:
    """One tool. `run` gets arguments that satisfy `parameters`, and may raise `ToolsError`."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], Output] = field(repr=False)
    changes: bool = False
    """It writes, or runs code."""
    for_model: bool = True
    """False: the harness's own, which the model neither sees nor may call."""


class RunTests(Protocol):
    """Runs the repository's tests as it is configured for this run."""

    def __call__(
        self,
        selection: Sequence[str] | None,
        *,
        coverage: bool,
        clean: bool,
        timeout: float | None,
        stop_at_first: bool,
        watch: Mapping[str, Any] | None,
    ) -> TestReport: ...


class Toolbox:
    """Tools by name."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())


def build_toolbox(
    workspace: Workspace,
    sandbox: Sandbox,
    policy: Policy,
    run_tests: RunTests | None = None,
    look: Callable[[str], None] = lambda _: None,
) -> Toolbox:
    """All tools on `workspace`; `run_tests` is absent where only reading is wanted.

    `look` gets what was read as it stands in the file: control characters do not reach a prompt,
    but that they were there is a signal.
    """
    root = Root(workspace.root)
    commands = CommandRunner(workspace.root, sandbox)
    tools = [
        _list_files(root, look),
        _read_file(root, look),
        _search_code(root),
        _write_file(workspace),
        _run_command(commands, policy),
        _lint(commands, workspace),
    ]
    if run_tests is not None:
        tools.append(_run_tests(run_tests))
    return Toolbox(tools)


_PATH = {"type": "string", "maxLength": 4000, "description": "relative to the repository"}
_PATHS = {"type": "array", "items": _PATH, "maxItems": 200}


def _schema(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list_files(root: Root, look: Callable[[str], None]) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        listing = list_files(root, arguments.get("path", ""), arguments.get("depth", 3))
        look("\n".join(listing.entries))
        more = ["… more lies deeper or was left out"] if listing.truncated else []
        return Output("\n".join([*map(strip_control, listing.entries), *more]), listing)

    depth = {"type": "integer", "minimum": 1, "maximum": DEEPEST}
    description = "List files and folders of the repository."
    return Tool("list_files", description, _schema(path=_PATH, depth=depth), run)


def _read_file(root: Root, look: Callable[[str], None]) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        first, last = arguments.get("first_line", 1), arguments.get("last_line")
        part = read_file(root, arguments["path"], first, last)
        look(part.text)
        cut = f"\n… cut: the file has {part.size:,} bytes" if part.truncated else ""
        return Output(strip_control(part.text) + cut, part)

    line = {"type": "integer", "minimum": 1, "maximum": 100_000_000}
    schema = _schema(["path"], path=_PATH, first_line=line, last_line=line)
    return Tool("read_file", "Read a text file, or some of its lines.", schema, run)


def _search_code(root: Root) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        found = search(
            root,
            arguments["pattern"],
            path=arguments.get("path", ""),
            regex=arguments.get("regex", False),
        )
        lines = [f"{strip_control(match.path)}:{match.line}: {match.text}" for match in found]
        return Output("\n".join(lines) or "No line matches.", found)

    schema = _schema(
        ["pattern"],
        pattern={"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN},
        path=_PATH,
        regex={"type": "boolean", "description": "a regular expression; default plain text"},
    )
    return Tool("search_code", "Find the lines that contain a text.", schema, run)


def _write_file(workspace: Workspace) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        workspace.write(arguments["path"], arguments["content"])
        return Output(f"Wrote {len(arguments['content'])} characters.")

    content = {"type": "string", "maxLength": 1_000_000}
    return Tool(
        "write_file",
        "Replace a file of the working copy with new content.",
        _schema(["path", "content"], path=_PATH, content=content),
        run,
        changes=True,
    )


def _run_command(commands: CommandRunner, policy: Policy) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        command = policy.command_for(arguments["argv"])
        if command is None:
            raise RefusedCommand("This command may not be run.")
        done, text = commands.run(command, arguments["argv"])
        content = f"exit status {done.returncode}\n{text}"
        return Output(content, done, ok=not done.timed_out)

    argument = {"type": "string", "maxLength": 4000, "pattern": "^[^\\x00]*$"}
    argv = {"type": "array", "items": argument, "minItems": 1, "maxItems": 200}
    return Tool(
        "run_command",
        "Run one of the allowed commands. There is no shell.",
        _schema(["argv"], argv=argv),
        run,
        changes=True,
    )


def _lint(commands: CommandRunner, workspace: Workspace) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        paths = arguments.get("paths", [])
        if not arguments.get("fix", False):
            found = commands.lint(paths)
            lines = [
                f"{strip_control(one.path)}:{one.line}: {one.code} {one.message}" for one in found
            ]
            return Output("\n".join(lines) or "Nothing was found.", found)
        fixed: dict[str, str] = {}
        for path in paths:
            before = workspace.read(path)
            after = commands.fix(path, before)
            if after != before:
                fixed[path] = after
        return Output("\n".join(fixed) or "Nothing was fixed.", fixed)

    return Tool(
        "lint",
        "Report what the linter finds, or give back the paths with its safe fixes.",
        _schema(paths=_PATHS, fix={"type": "boolean"}),
        run,
        for_model=False,
    )


def _run_tests(run_tests: RunTests) -> Tool:
    def run(arguments: Mapping[str, Any]) -> Output:
        report = run_tests(
            arguments.get("selection"),
            coverage=arguments.get("coverage", False),
            clean=arguments.get("clean", False),
            timeout=arguments.get("timeout"),
            stop_at_first=arguments.get("stop_at_first", False),
            watch=arguments.get("watch"),
        )
        failing = [f"{test.id}: {test.message}" for test in report.failing[:50]]
        said = f"{report.passed_count} of {report.total} passed. {report.problem}".strip()
        shown = strip_control("\n".join([said, *failing]))
        # Times, addresses and orders differ from run to run; what the tests said must not.
        cut = report.timed_out or report.starved
        outcomes = sorted(f"{test.outcome} {test.id}" for test in report.results)
        return Output(shown, report, again="\n".join(outcomes), cut=cut)

    selection = {"type": "array", "items": {"type": "string", "maxLength": 4000}}
    line = {"type": "integer", "minimum": 1, "maximum": 100_000_000}
    name = {"type": "string", "maxLength": 200}
    function = {"path": _PATH, "name": name, "first_line": line, "last_line": line}
    schema = _schema(
        selection=selection,
        coverage={"type": "boolean"},
        clean={"type": "boolean"},
        stop_at_first={"type": "boolean"},
        watch=_schema(list(function), **function),
        timeout={"type": "number", "exclusiveMinimum": 0},
    )
    description = "Run the repository's tests."
    return Tool("run_tests", description, schema, run, changes=True, for_model=False)
