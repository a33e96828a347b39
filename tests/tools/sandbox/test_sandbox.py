"""What a sandboxed program can do, and what it cannot, in each backend."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import Limits, NoSandbox, Sandbox, choose, doctor, prove
from tools.sandbox.base import DEFAULT_LIMITS, MEBIBYTE
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.landlock import Landlock, abi

MAKERS: dict[str, Callable[[], Sandbox]] = {
    "bubblewrap": Bubblewrap,
    "landlock": Landlock,
    "none": lambda: NoSandbox(allow_unsandboxed=True),
}


@pytest.fixture(params=MAKERS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every backend, the unconfined one too: what works must work in all."""
    try:
        return MAKERS[request.param]()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def alive(process: psutil.Process) -> bool:
    """Zombies are dead, whether or not somebody has reaped them."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool]) -> bool:
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_runs_a_program_with_input_output_and_status(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read()); print('e', file=sys.stderr); sys.exit(7)"
    done = sandbox.run(python(code), cwd=tmp_path, timeout=30, writable=[tmp_path], input=b"in")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"in\n", b"e\n")
    assert not done.timed_out
    assert not done.truncated


def test_a_signal_is_a_negative_status(sandbox: Sandbox, tmp_path: Path) -> None:
    done = sandbox.run(["sh", "-c", "kill -9 $$"], cwd=tmp_path, timeout=30, writable=[tmp_path])
    assert done.returncode == -9


def test_the_virtual_environment_works_and_writes_stay(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import pytest, sys; open('made', 'w').write(sys.prefix)"
    done = sandbox.run(python(code), cwd=tmp_path, timeout=30, writable=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made").read_text() == sys.prefix


def test_event_loops_threads_and_children_work(sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "import asyncio, threading, subprocess, tempfile, os\n"
        "asyncio.run(asyncio.sleep(0))\n"
        "t = threading.Thread(target=print); t.start(); t.join()\n"
        "subprocess.run(['true'], check=True)\n"
        "tempfile.TemporaryFile().write(b'x')\n"
        "open(os.path.expanduser('~/x'), 'w').write('x')\n"
        "open('/dev/null', 'w').write('x')\n"
    )
    done = sandbox.run(python(code), cwd=tmp_path, timeout=30, writable=[tmp_path])
    assert done.returncode == 0, done.stderr


def test_the_private_home_and_tmp_are_gone_afterwards(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import os, tempfile; print(tempfile.mkdtemp()); open(os.path.expanduser('~/z9'), 'w')"
    done = sandbox.run(python(code), cwd=tmp_path, timeout=30, writable=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.decode().strip()).exists()
    assert not (Path.home() / "z9").exists()


def test_nothing_is_inherited_from_the_environment(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--evil")
    code = "import os; print(os.environ); print(open('/proc/self/environ').read())"
    done = sandbox.run(
        python(code), cwd=tmp_path, timeout=30, writable=[tmp_path], env={"GIVEN": "yes"}
    )
    assert b"s3cret" not in done.stdout
    assert b"evil" not in done.stdout
    assert b"'GIVEN': 'yes'" in done.stdout


def test_a_time_limit_ends_a_program_that_ignores_sigterm(sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        "for n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
        "print('started', flush=True); time.sleep(600)\n"
    )
    done = sandbox.run(python(code), cwd=tmp_path, timeout=1.0, writable=[tmp_path])
    assert done.timed_out
    assert done.stdout == b"started\n"
    assert done.returncode < 0


@pytest.mark.parametrize("ending", ["normal", "timeout"])
def test_a_daemonised_child_dies_too(sandbox: Sandbox, tmp_path: Path, ending: str) -> None:
    marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    code = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for n in range(3): os.close(n)\n"
        "        os.execv(sys.argv[1], [sys.argv[1], '600'])\n"
        "    os._exit(0)\n"
        "os.wait(); open('ready', 'w').close()\n"
        "time.sleep(600 if sys.argv[2] == 'timeout' else 0)\n"
    )
    program = tmp_path / marker
    program.write_bytes(Path("/usr/bin/sleep").read_bytes())
    program.chmod(0o755)
    done = sandbox.run(
        python(code, str(program), ending),
        cwd=tmp_path,
        timeout=2.0 if ending == "timeout" else 30,
        writable=[tmp_path],
    )
    assert done.timed_out == (ending == "timeout")
    assert (tmp_path / "ready").exists()

    def gone() -> bool:
        lines = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
        return not any(marker in " ".join(line[:1]) for line in lines if line)

    assert wait_until(gone)


def test_endless_output_is_cut_in_its_middle(sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "import sys\nwrite = sys.stdout.write\nwrite('first\\n')\n"
        "for _ in range(20_000): write('x' * 1000)\nwrite('\\nlast')"
    )
    limits = replace(DEFAULT_LIMITS, output=100_000)
    done = sandbox.run(python(code), cwd=tmp_path, timeout=60, writable=[tmp_path], limits=limits)
    assert done.truncated
    assert len(done.stdout) < 101_000
    assert done.stdout.startswith(b"first\n")
    assert done.stdout.endswith(b"\nlast")


def test_too_many_processes_are_stopped(sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "for _ in range(2000):\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(600)\n"
        "    except OSError: break\n"
        "print('refused', flush=True); time.sleep(600)\n"
    )
    limits = replace(DEFAULT_LIMITS, processes=60)
    before = len(psutil.pids())
    done = sandbox.run(python(code), cwd=tmp_path, timeout=20, writable=[tmp_path], limits=limits)
    # RLIMIT_NPROC stops the forks of ordinary users, the watch those of root.
    assert done.stopped_for or b"refused" in done.stdout
    assert wait_until(lambda: len(psutil.pids()) < before + 30)


def test_memory_and_file_size_are_limited(sandbox: Sandbox, tmp_path: Path) -> None:
    limits = replace(DEFAULT_LIMITS, address_space=512 * MEBIBYTE, file_size=MEBIBYTE)
    memory = sandbox.run(
        python("bytearray(1024 ** 3)"), cwd=tmp_path, timeout=30, writable=[tmp_path], limits=limits
    )
    assert b"MemoryError" in memory.stderr
    control = sandbox.run(
        python("bytearray(64 * 1024 ** 2); open('ok', 'wb').write(bytes(1024 ** 2))"),
        cwd=tmp_path, timeout=30, writable=[tmp_path], limits=limits,
    )  # fmt: skip
    assert control.returncode == 0, control.stderr
    disk = sandbox.run(
        python("open('big', 'wb').write(bytes(8 * 1024 ** 2))"),
        cwd=tmp_path, timeout=30, writable=[tmp_path], limits=limits,
    )  # fmt: skip
    assert disk.returncode != 0
    assert (tmp_path / "big").stat().st_size <= MEBIBYTE


def test_cpu_time_is_limited(sandbox: Sandbox, tmp_path: Path) -> None:
    limits = replace(DEFAULT_LIMITS, cpu_seconds=1)
    done = sandbox.run(
        python("while True: pass"), cwd=tmp_path, timeout=60, writable=[tmp_path], limits=limits
    )
    assert not done.timed_out
    assert done.returncode < 0


def test_a_missing_program_is_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="no program 'no-such-program'"):
        sandbox.run(["no-such-program"], cwd=tmp_path, timeout=5)


@pytest.mark.parametrize("wide", ["/", "~"])
def test_home_and_the_root_are_never_granted(sandbox: Sandbox, tmp_path: Path, wide: str) -> None:
    with pytest.raises(SandboxUnavailable, match="too wide"):
        sandbox.run(["true"], cwd=tmp_path, timeout=5, readable=[Path(wide).expanduser()])


def test_a_worker_answers_line_by_line_and_dies_with_its_family(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    code = (
        "import sys, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "for line in sys.stdin.buffer:\n"
        "    sys.stdout.buffer.write(line.upper()); sys.stdout.buffer.flush()\n"
        "    sys.stderr.write('heard\\n'); sys.stderr.flush()\n"
    )
    with sandbox.popen(python(code), cwd=tmp_path, writable=[tmp_path]) as worker:
        for word in (b"one\n", b"two\n"):
            worker.stdin.write(word)
            assert worker.stdout.read(4) == word.upper()
        assert worker.poll() is None
        family = psutil.Process(worker.pid).children(recursive=True)
        assert any("sleep" in child.name() for child in family)
        worker.kill()
        assert worker.returncode is not None
        assert worker.stderr_tail() == b"heard\nheard\n"
    assert wait_until(lambda: not any(map(alive, family)))


def test_a_worker_outlives_the_thread_that_started_it(sandbox: Sandbox, tmp_path: Path) -> None:
    started: list[object] = []
    starter = threading.Thread(
        target=lambda: started.append(
            sandbox.popen(["cat"], cwd=tmp_path, writable=[tmp_path]).__enter__()
        )
    )
    starter.start()
    starter.join()
    worker = started[0]
    time.sleep(0.2)
    worker.stdin.write(b"x")  # type: ignore[attr-defined]
    assert worker.stdout.read(1) == b"x"  # type: ignore[attr-defined]
    worker.__exit__(None, None, None)  # type: ignore[attr-defined]


def test_everything_dies_with_the_engine(sandbox: Sandbox, tmp_path: Path) -> None:
    """The engine is killed with SIGKILL while a sandboxed program runs."""
    engine = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tools.sandbox import NoSandbox\n"
        "from tools.sandbox.bubblewrap import Bubblewrap\n"
        "from tools.sandbox.landlock import Landlock\n"
        "s = {'bubblewrap': Bubblewrap, 'landlock': Landlock,"
        " 'none': lambda: NoSandbox(allow_unsandboxed=True)}[sys.argv[1]]()\n"
        "p = s.popen(['sh', '-c', 'setsid sleep 601 & echo up; sleep 601'],"
        " cwd=Path(sys.argv[2]), writable=[Path(sys.argv[2])])\n"
        "p.stdout.read(2); print(p.pid, flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).parents[3]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", engine, sandbox.name, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        try:
            assert process.stdout is not None
            leader = psutil.Process(int(process.stdout.readline()))

            def family() -> list[psutil.Process]:
                return [leader, *leader.children(recursive=True)]

            assert wait_until(lambda: sum(one.name() == "sleep" for one in family()) == 2)
            members = family()
        finally:
            process.kill()
    assert wait_until(lambda: not any(map(alive, members)))
    assert list(temporary.iterdir()) == []


def test_without_permission_nothing_runs_unsandboxed(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="Install bubblewrap"):
        NoSandbox().run(["true"], cwd=tmp_path, timeout=5)
    with pytest.raises(SandboxUnavailable, match="Install bubblewrap"):
        NoSandbox().popen(["true"], cwd=tmp_path)


def test_the_canaries_tell_a_sandbox_from_none() -> None:
    proof = prove(NoSandbox(allow_unsandboxed=True))
    assert not proof.sound
    blocked = {canary.name: canary.blocked for canary in proof.canaries}
    assert blocked["reads HOME"] is False
    assert blocked["writes outside the workspace"] is False
    assert blocked["connects to this machine"] is False
    assert all(canary.control for canary in proof.canaries)


def test_choose_takes_the_strongest_that_is_proven() -> None:
    chosen = choose()
    proven = [check.ok for check in doctor() if check.name.startswith("sandbox bubblewrap")]
    if all(proven):
        assert (chosen.name, chosen.level) == ("bubblewrap", "full")
    else:
        assert chosen.name in ("landlock", "none")


def test_choose_falls_back_and_then_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Sandbox:
        raise SandboxUnavailable("It is not there.")

    monkeypatch.setattr("tools.sandbox.choice._BACKENDS", {"bubblewrap": missing})
    assert choose().level == "none"
    checks = doctor()
    assert [check.ok for check in checks] == [False]
    assert checks[0].detail == "It is not there."
    assert checks[0].remedy


def test_the_reduced_backend_says_what_it_is() -> None:
    if abi() < 3:
        with pytest.raises(SandboxUnavailable, match="Landlock version 3"):
            Landlock()
    else:
        assert (Landlock().name, Landlock().level) == ("landlock", "reduced")


def test_limits_are_positive() -> None:
    assert all(value > 0 for value in vars(Limits()).values())
