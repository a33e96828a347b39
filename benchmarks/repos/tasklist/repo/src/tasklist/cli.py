"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tasklist import store
from tasklist.model import Task, TaskList, UnknownTask
from tasklist.query import Query, select


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="tasks")
    main.add_argument("--file", type=Path, default=Path("tasks.json"))
    main.add_argument("--today", type=date.fromisoformat, default=None, help=argparse.SUPPRESS)
    commands = main.add_subparsers(dest="command", required=True)

    add = commands.add_parser("add", help="add a task")
    add.add_argument("title", nargs="+")
    add.add_argument("-p", "--priority", type=int, choices=(1, 2, 3), default=2)
    add.add_argument("-d", "--due", type=date.fromisoformat)
    add.add_argument("-t", "--tag", action="append", default=[])

    listing = commands.add_parser("list", help="show tasks, the most urgent first")
    listing.add_argument("words", nargs="*")
    listing.add_argument("-t", "--tag")
    listing.add_argument("--due-by", type=date.fromisoformat)
    listing.add_argument("-a", "--all", action="store_true", help="done ones too")

    for name, text in (("done", "mark tasks as done"), ("remove", "remove tasks")):
        command = commands.add_parser(name, help=text)
        command.add_argument("numbers", nargs="+", type=int)
    return main


def line(task: Task, today: date) -> str:
    mark = "x" if task.done else "!" if task.overdue(today) else " "
    parts = [f"[{mark}] {task.number:>3} {'*' * (4 - task.priority):<3} {task.title}"]
    if task.due:
        parts.append(f"due {task.due}")
    parts += [f"#{tag}" for tag in task.tags]
    return "  ".join(parts)


def run(options: argparse.Namespace, tasks: TaskList, today: date) -> int:
    """Carry out a command and return the exit status: 1 when a listing is empty."""
    if options.command == "add":
        details = {"priority": options.priority, "due": options.due, "tags": tuple(options.tag)}
        print(f"added {tasks.add(' '.join(options.title), **details).number}")
        return 0
    if options.command == "list":
        query = Query(options.tag, tuple(options.words), options.due_by, options.all)
        found = select(tasks, query)
        for task in found:
            print(line(task, today))
        return 0 if found else 1
    for number in options.numbers:
        if options.command == "done":
            tasks.get(number).done = True
        else:
            tasks.remove(number)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 2 is returned for what cannot be done, and nothing is saved then."""
    options = parser().parse_args(arguments)
    try:
        tasks = store.load(options.file)
        status = run(options, tasks, options.today or date.today())
    except (UnknownTask, ValueError, store.StoreError) as error:
        print(f"tasks: {error}", file=sys.stderr)
        return 2
    store.save(options.file, tasks)
    return status
