"""Sets this checkout up: virtual environment, locked dependencies, llama.cpp for this very machine.

Standard library only; run by whatever `python3` the machine has. Says in one sentence what the
machine lacks (exit status 2) or what failed (exit status 1). A second run only reads the stamp.
"""

import platform
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - older interpreters must still get this sentence
    sys.stderr.write(
        "setup: Python 3.11 or newer is needed but this is " + platform.python_version() + "; "
        "install it (apt install python3.11 python3.11-venv, dnf install python3.11, "
        "brew install python) and run make with PYTHON=python3.11.\n"
    )
    sys.exit(2)

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import host
import llama_wheel
import steps

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "locum-setup"
LOCK = ROOT / "requirements.lock"
INPUTS = (LOCK, llama_wheel.BUILD_LOCK, llama_wheel.SOURCE_LOCK, ROOT / "pyproject.toml")


def main() -> int:
    """Set up if the stamp is not the current one; returns the exit status."""
    wanted = fingerprint()
    if is_current(wanted):
        return 0
    cache = host.cache_root()
    try:
        host.require_machine(ROOT, cache, venv=VENV.exists())
        with exclusive(cache):
            if not is_current(wanted):
                set_up(cache)
                STAMP.write_text(wanted)
    except host.Lack as lack:
        print(f"setup: {lack}", file=sys.stderr)
        return 2
    except steps.StepFailed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again to go on.", file=sys.stderr)
        return 130
    return 0


def fingerprint() -> str:
    """Changes whenever an input of the set-up, the interpreter or the processor changes."""
    digest = hashlib.sha256()
    for path in INPUTS:
        digest.update(path.read_bytes())
    interpreter = f"{Path(sys.executable).resolve()} {sys.version}"
    digest.update("\0".join((interpreter, str(ROOT), llama_wheel.machine_key())).encode())
    return digest.hexdigest()


def is_current(wanted: str) -> bool:
    """Whether the last set-up finished with the same inputs."""
    return STAMP.is_file() and STAMP.read_text() == wanted and (VENV / "bin" / "agent").is_file()


class exclusive:  # noqa: N801 - reads as a statement: `with exclusive(cache):`
    """Holds the user's set-up lock: two set-ups must not compile the same wheel at once."""

    def __init__(self, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._file = (cache / "setup.lock").open("w")

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up is running; waiting for it", flush=True)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def set_up(cache: Path) -> None:
    """Make or bring up to date the virtual environment."""
    started = time.monotonic()
    log = cache / "setup.log"
    log.write_text("")
    create_environment(log)
    wheel = llama_wheel.obtain(cache, log)
    install(["--require-hashes", "-r", str(LOCK)], "installing the dependencies", log)
    install(["--no-deps", "--force-reinstall", str(wheel)], "installing llama.cpp", log)
    install(["--no-deps", "--no-build-isolation", "-e", str(ROOT)], "installing locum", log)
    print(f"setup: done in {steps.duration(time.monotonic() - started)}", flush=True)


def create_environment(log: Path) -> None:
    """Make `.venv` with this interpreter, or keep the one that it made before."""
    if runs_this_python():
        return
    # --copies is not used: a link keeps the environment small and follows security updates.
    shutil.rmtree(VENV, ignore_errors=True)
    steps.run([sys.executable, "-m", "venv", str(VENV)], "making .venv", log)


def runs_this_python() -> bool:
    """Whether `.venv` exists, works and has this interpreter's version."""
    probe = "import sys, pip; print(sys.version)"
    try:
        answer = subprocess.run(
            [PYTHON, "-c", probe], capture_output=True, text=True, check=True, env=steps.clean_env()
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == sys.version.strip()


def install(arguments: list[str], label: str, log: Path) -> None:
    """Run pip in the environment; packages only come as wheels, except our own."""
    total = sum(line[:1].isalnum() for line in LOCK.read_text().splitlines())
    steps.run(
        [str(PYTHON), "-m", "pip", "install", *steps.PIP_OPTIONS, *arguments],
        label,
        log,
        counter=steps.Counter(r"^\s*(Collecting|Requirement already satisfied)", total),
    )


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
