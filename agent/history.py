"""The runs of this machine as a list: what was asked, what came of it, what can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent import home
from agent.errors import NoSuchRun

REPORT, SUMMARY, PATCH = "report.json", "summary.md", "fix.patch"
NOT_FINISHED = "not finished"


@dataclass(frozen=True)
class Past:
    """One run."""

    run_id: str
    path: str
    """Absolute path of its repository."""
    headline: str
    exit_status: int | None
    """None while it has not finished; such a run can be resumed unless it still goes on."""

    @property
    def began(self) -> datetime | None:
        """By its id, in local time."""
        try:
            return datetime.strptime(self.run_id[:15], "%Y%m%d-%H%M%S")
        except ValueError:
            return None

    def holds(self, words: str) -> bool:
        """Whether every word occurs in what is known of the run, whatever the case."""
        text = f"{self.run_id} {self.path} {self.headline}".casefold()
        return all(word in text for word in words.casefold().split())


def runs() -> Iterator[Past]:
    """The latest first. A run whose files are damaged says so in its headline."""
    for run_id in home.run_ids():
        try:
            task, directory = home.find_run(run_id)
            result = outcome(directory)
        except (NoSuchRun, ValueError, OSError) as error:
            yield Past(run_id, "", str(error), 2)
            continue
        yield Past(run_id, task.path, *result)


def outcome(directory: Path) -> tuple[str, int | None]:
    """Headline and exit status of the run in this directory; raises NoSuchRun for what is not a
    report of ours.
    """
    try:
        report = json.loads((directory / REPORT).read_text("utf-8"))
        return str(report["headline"]), report.get("exit_status")
    except FileNotFoundError:
        return NOT_FINISHED, None
    except (ValueError, KeyError, TypeError) as error:
        raise NoSuchRun(f"{directory / REPORT} is not a report of ours.") from error
