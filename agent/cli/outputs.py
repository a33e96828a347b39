"""The files that a run can leave where its caller wants them, as options of several commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from agent.events import Done

Command = TypeVar("Command", bound=Callable[..., Any])


class _NewFile(click.Path):
    """A file that can be made: told before a run is spent on it, and not after."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        given = super().convert(value, param, ctx)
        folder = Path(str(given)).absolute().parent
        if not folder.is_dir():
            self.fail(f"there is no folder {folder}; make it first.", param, ctx)
        return given


_FILE = _NewFile(dir_okay=False, writable=True)
_OPTIONS = [
    click.option("--summary", type=_FILE, help="Write the Markdown here."),
    click.option("--json", "json_file", type=_FILE, help="Write the report (`agent schema`)."),
    click.option("--patch", type=_FILE, help="Write the patch here, as `git apply` takes it."),
    click.option("--sarif", type=_FILE, help="Write the plan's findings as SARIF 2.1.0."),
    click.option(
        "--junit",
        metavar="FOLDER",
        type=click.Path(file_okay=False),
        help="Write before.xml and after.xml, both JUnit XML, into it.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Only the headline and errors."),
    click.option("-v", "--verbose", is_flag=True, help="Also tool calls and model text."),
]


def options(command: Command) -> Command:
    """Gives a command the options; it gets them as one dictionary of keywords."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def write(done: Done, wanted: dict[str, Any]) -> None:
    """Leave what was asked for where it was; raises OSError for a place that cannot be written."""
    for source, target in (
        (done.summary_path, wanted["summary"]),
        (done.report_path, wanted["json_file"]),
        (done.patch_path, wanted["patch"]),
    ):
        if target:
            shutil.copyfile(source, target)
    if wanted["sarif"]:
        from agent import sarif
        from agent.report import Report

        report = Report.model_validate_json(Path(done.report_path).read_bytes())
        Path(wanted["sarif"]).write_text(json.dumps(sarif.render(report), indent=2) + "\n", "utf-8")
    if wanted["junit"]:
        _junit(Path(done.report_path).parent, Path(wanted["junit"]))


def _junit(run: Path, folder: Path) -> None:
    from agent.nodes.summary import AFTER, BEFORE

    folder.mkdir(parents=True, exist_ok=True)
    for name in (BEFORE, AFTER):
        shutil.copyfile(run / name, folder / name)
