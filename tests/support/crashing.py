"""Runs of the agent on a small repository that something kills, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from suite import run_suite

from agent import record

AGENT = [sys.executable, "-m", "agent"]
SERVER = Path(__file__).with_name("scripted_server.py")
ROOT = Path(__file__).parents[2]
BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
FILES = {
    "calc.py": BUGGY,
    "pair.py": "def order(a, b):\n    return [b, a] if a < b else [a, b]\n",
    "test_calc.py": (
        "from calc import larger\nfrom pair import order\n\n\n"
        "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
        "def test_second():\n    assert larger(5, 9) == 9\n\n\n"
        "def test_order():\n    assert order(1, 2) == [1, 2]\n\n\n"
        "def test_ordered():\n    assert order(4, 3) == [3, 4]\n"
    ),
}
VICTIMS = ("agent", "agent", "agent", "engine", "worker")
PATIENCE = 1200.0
"""Seconds that one run of the agent may take on a busy machine."""
TOKEN = "scripted"


@dataclass
class Toll:
    """What a series of kills led to; all but `kills` and `hits` must stay empty."""

    kills: int = 0
    hits: dict[str, int] = field(default_factory=dict)
    """How often each kind of process was there to be killed."""
    damaged: list[str] = field(default_factory=list)
    unresumable: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.damaged or self.unresumable or self.orphans or self.leftovers)


class Scene:
    """One repository, one state directory and one scripted model, all beneath `place`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.repository = place / "repo"
        self.state = place / "state"
        self.temporary = place / "tmp"
        for folder in (self.repository, self.state, self.temporary):
            folder.mkdir(parents=True)
        for name, text in FILES.items():
            (self.repository / name).write_text(text)
        self._port = 0
        self._agents: list[subprocess.Popen[str]] = []
        self._server: subprocess.Popen[str] | None = None

    def serve(self) -> None:
        """Have the model answer, under the port that it had before."""
        if self._server is not None and self._server.poll() is None:
            return
        if self._server is not None:
            self._close()
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER), str(self._port), TOKEN],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{SERVER.parent}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout is not None
        self._port = int(self._server.stdout.readline())

    def close(self) -> None:
        """End what is left of it, say after a failed test."""
        for agent in self._agents:
            agent.kill()
            agent.wait()
        if self._server is not None:
            self._server.kill()
            self._close()
            self._server = None

    def _close(self) -> None:
        assert self._server is not None
        self._server.wait()
        if self._server.stdout is not None:
            self._server.stdout.close()

    def start(self, *words: str, largest_file: int | None = None) -> subprocess.Popen[str]:
        """An agent; with `largest_file` no file of it may get more bytes, as on a full disk."""

        def limit() -> None:
            assert largest_file is not None
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        kept = {key: value for key, value in os.environ.items() if key != "CI"}
        with (self.place / "said").open("w") as said:
            agent = subprocess.Popen(
                [*AGENT, *words],
                env=kept
                | {
                    "LOCUM_STATE": str(self.state),
                    "LOCUM_TOKEN": TOKEN,
                    "TMPDIR": str(self.temporary),
                    "HOME": str(self.place),
                },
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
                preexec_fn=None if largest_file is None else limit,
            )
        self._agents.append(agent)
        return agent

    def fix(self, *, largest_file: int | None = None) -> subprocess.Popen[str]:
        url = f"http://127.0.0.1:{self._port}/v1"
        words = ("fix", str(self.repository), "--yes", "--endpoint", url)
        return self.start(*words, largest_file=largest_file)

    def said(self) -> str:
        return (self.place / "said").read_text("utf-8", "replace")

    def run_id(self) -> str:
        """The run that was begun; empty when it did not get so far."""
        runs = self.state / "runs"
        begun = runs.glob("*/task.json") if runs.is_dir() else ()
        found = sorted(file.parent.name for file in begun)
        return found[-1] if found else ""

    def server_id(self) -> int:
        assert self._server is not None
        return self._server.pid

    # -- what must hold ----------------------------------------------------------------------

    def patched(self) -> bool:
        """Whether all of the patch is there: the tests pass with it."""
        return run_suite(self.repository).returncode == 0

    def untouched(self) -> bool:
        return self.files() == {name: text.encode() for name, text in FILES.items()}

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.repository.rglob("*") if path.is_file())
        return {str(path.relative_to(self.repository)): path.read_bytes() for path in found}

    def alive(self) -> list[psutil.Process]:
        """Processes that have to do with this scene, the scripted model apart."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = " ".join(process.cmdline())
                ours = str(self.place) in words or str(self.place) in process.cwd()
                if ours and process.pid not in (os.getpid(), self.server_id()):
                    found.append(process)
        return found

    def leftovers(self) -> Iterator[str]:
        """Files that nobody will ever want, and mounts."""
        yield from (str(path) for path in self.temporary.iterdir())
        for path in self.state.rglob("*"):
            if path.name.startswith(("scratch-", "canary-", ".manifest", ".locum")):
                yield str(path)
        yield from (name for name in self.files() if name not in FILES)
        mounts = Path("/proc/self/mounts").read_text()
        yield from (line for line in mounts.splitlines() if str(self.place) in line)


def crash(scene: Scene, source: random.Random, usual: float, toll: Toll) -> float:
    """Kill one process of one run at some moment, and go on with the run to its end.

    `usual` is what an undisturbed run takes, in seconds. Returns the same, or less where this run
    was over before its moment came: the machine got less busy.
    """
    scene.serve()
    began = time.monotonic()
    agent = scene.fix()
    victim, moment = source.choice(VICTIMS), source.uniform(0.0, usual)
    story = f"kill {toll.kills + 1} ({victim} after {moment:.2f} s)"
    with suppress(subprocess.TimeoutExpired):
        agent.wait(moment)
        usual = time.monotonic() - began
    family = _family(agent.pid)
    if _kill(agent, victim, family, scene, source):
        toll.hits[victim] = toll.hits.get(victim, 0) + 1
    toll.kills += 1
    agent.wait(PATIENCE)
    if alive := _still_there([*family, *scene.alive()]):
        toll.orphans.append(f"{story}: {alive}")
    if not (scene.untouched() or scene.patched()):
        toll.damaged.append(f"{story}: {scene.files()}")
    scene.serve()
    if problem := _go_on(scene):
        toll.unresumable.append(f"{story}: {problem}")
    toll.leftovers += [f"{story}: {left}" for left in scene.leftovers()]
    return usual


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _kill(
    agent: subprocess.Popen[str],
    victim: str,
    family: list[psutil.Process],
    scene: Scene,
    source: random.Random,
) -> bool:
    """Whether there was one to kill: the run may have ended, or no test may be running."""
    if agent.poll() is not None:
        return False
    with suppress(psutil.NoSuchProcess, IndexError):
        match victim:
            case "agent":
                agent.kill()
            case "engine":
                psutil.Process(scene.server_id()).kill()
            case _:
                source.choice(family).kill()
        return True
    return False


def _still_there(processes: list[psutil.Process], seconds: float = 30.0) -> list[str]:
    """Those that do not end by themselves in a time that is long on a busy machine, too."""
    end = time.monotonic() + seconds
    while alive := [process for process in processes if _lives(process)]:
        if time.monotonic() > end:
            return [str(process) for process in alive]
        time.sleep(0.05)
    return []


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _go_on(scene: Scene) -> str:
    """Resume, or begin when there is nothing to resume; empty when the tree is mended then."""
    run = scene.run_id()
    finished = run and (scene.state / "runs" / run / "report.json").is_file()
    agent = scene.start("resume", run) if run else scene.fix()
    status = agent.wait(PATIENCE)
    if status != 0 and not (finished and scene.patched()):
        return f"status {status}: {scene.said()[-500:]}"
    if not scene.patched():
        return f"not mended: {scene.said()[-500:]}"
    if broken := record.verify(scene.state / "runs" / scene.run_id() / "record.jsonl"):
        return broken
    return ""
