"""`agent ui` in a real terminal: keys are typed and the screen is read through tmux."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import story

from agent import home as runs_home
from agent.eventlog import EventLog
from agent.state import Task

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
COLOUR = re.compile(r"\x1b\[[0-9;]*?[34]8;2;(\d+);(\d+);(\d+)")


class Terminal:
    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", os.devnull]

    def run(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def start(self, width: int, height: int, words: list[str]) -> None:
        size = ["-x", str(width), "-y", str(height)]
        self.run("new-session", "-d", "-s", "ui", *size, *words)
        self.run("set", "-as", "terminal-features", ",*:RGB")

    def screen(self, *, colours: bool = False) -> str:
        return self.run("capture-pane", "-p", "-t", "ui", *(["-e"] if colours else []))

    def wait(self, text: str, seconds: float = 20.0) -> str:
        end = time.monotonic() + seconds
        shown = ""
        while time.monotonic() < end:
            shown = self.screen()
            if text in shown:
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{text!r} never came:\n{shown}")

    def wait_gone(self, text: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while text in (shown := self.screen()):
            assert time.monotonic() < end, f"{text!r} never went:\n{shown}"
            time.sleep(0.1)

    def alive(self) -> bool:
        words = [*self._tmux, "has-session", "-t", "ui"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path / "tmux")
    yield made
    if made.alive():
        made.run("kill-server")


@pytest.fixture
def recorded(home: Path) -> str:
    run_id, directory = runs_home.new_run(Task(path="/src/bank", model="m"))
    log = EventLog(directory / runs_home.EVENTS)
    for event in [*story.planned(), *story.searched()]:
        log.write(event)
    log.close()
    return run_id


@pytest.fixture
def agent(home: Path) -> Callable[..., list[str]]:
    """The command with this test's home, as tmux takes it."""
    kept = {"LOCUM_STATE", "LOCUM_CACHE", "HOME"}
    env = [f"{name}={os.environ[name]}" for name in kept]

    def words(*rest: str, **more: str) -> list[str]:
        extra = [f"{name}={value}" for name, value in more.items()]
        program = [sys.executable, "-P", "-m", "agent", "ui", *rest]
        return [
            "env",
            "-u",
            "NO_COLOR",
            "-u",
            "CI",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            "COLORTERM=truecolor",
            *env,
            *extra,
            *program,
        ]

    return words


def test_a_session_by_keys(
    terminal: Terminal, agent: Callable[..., list[str]], recorded: str
) -> None:
    terminal.start(130, 40, agent())
    assert "Mend a repository" in terminal.wait("not finished")
    terminal.run("send-keys", "-t", "ui", "v")
    terminal.wait("calculate_interest")
    terminal.wait("★1")
    terminal.run("send-keys", "-t", "ui", "3")
    terminal.wait("Failed before, pass now")
    terminal.run("send-keys", "-t", "ui", "f")
    terminal.wait_gone("─ Candidates")
    terminal.run("send-keys", "-t", "ui", "f")
    terminal.wait("─ Candidates")
    terminal.run("send-keys", "-t", "ui", "Escape")
    terminal.wait("Recent runs")
    terminal.run("send-keys", "-t", "ui", "q")
    for _ in range(100):
        if not terminal.alive():
            break
        time.sleep(0.1)
    assert not terminal.alive(), "it ends with the key"


@pytest.mark.parametrize("plain", [False, True])
def test_without_colour_there_are_only_greys(
    terminal: Terminal, agent: Callable[..., list[str]], recorded: str, plain: bool
) -> None:
    terminal.start(130, 40, agent("--replay", recorded, **({"NO_COLOR": "1"} if plain else {})))
    terminal.wait("calculate_interest")
    found = [tuple(map(int, match)) for match in COLOUR.findall(terminal.screen(colours=True))]
    assert found, "positive control: the terminal takes colours"
    coloured = [one for one in found if max(one) - min(one) > 3]
    assert bool(coloured) is not plain


def test_a_small_terminal_still_shows_the_run(
    terminal: Terminal, agent: Callable[..., list[str]], recorded: str
) -> None:
    terminal.start(50, 14, agent("--replay", recorded))
    shown = terminal.wait("● verify")
    assert "bank" in shown
    terminal.run("send-keys", "-t", "ui", "2")
    terminal.wait("★1")
