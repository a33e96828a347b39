"""Tests, conftest files and plugins that attack whoever runs them.

An act that got out leaves `loot` in the tree. Without a sandbox it does, which is its positive
control; in each sandbox it does not, or it stands on the list of what that sandbox lets through.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest
from field import seen

from tools.sandbox import Sandbox
from tools.testing import TestRunner, detect

HEADER = """
import ctypes, os, pathlib, signal, socket, subprocess, sys, time
OUTSIDE = pathlib.Path({outside!r})
PORT, UDP, ENGINE = {port}, {udp}, {engine}
LOOT = pathlib.Path({loot!r})
libc = ctypes.CDLL(None, use_errno=True)
"""
TAKE = "LOOT.write_text((OUTSIDE / 'secret').read_text())"
ACTS = {
    "read": TAKE,
    "read in a shell": "LOOT.write_bytes(subprocess.check_output(['cat', OUTSIDE / 'secret']))",
    "read through a link": "os.symlink(OUTSIDE, 'way')\nos.link('way/secret', LOOT)",
    "read by another program": "subprocess.run(['cp', OUTSIDE / 'secret', LOOT], check=True)",
    "read through the engine's root": (
        "LOOT.write_bytes(open(f'/proc/{ENGINE}/root{OUTSIDE}/secret', 'rb').read())"
    ),
    "read the engine's environment": (
        "LOOT.write_bytes(open(f'/proc/{ENGINE}/environ', 'rb').read())"
    ),
    "read the engine's command line": (
        "LOOT.write_bytes(open(f'/proc/{ENGINE}/cmdline', 'rb').read())"
    ),
    "list": "LOOT.write_text(str(os.listdir(OUTSIDE)))",
    "write": "(OUTSIDE / 'planted').write_text('x')\nLOOT.touch()",
    "write in a shell": (
        "subprocess.run(['sh', '-c', f'echo x > {OUTSIDE}/planted'], check=True)\nLOOT.touch()"
    ),
    "write through a link": (
        "os.symlink(OUTSIDE, 'way')\nopen('way/planted', 'w').close()\nLOOT.touch()"
    ),
    "write from a daemon": (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        (OUTSIDE / 'planted').write_text('x')\n"
        "        LOOT.touch()\n"
        "    os._exit(0)\n"
        "os.wait()\ntime.sleep(0.5)"
    ),
    "write from an exit handler": (
        "import atexit\n"
        "if os.fork() == 0:\n"
        "    (OUTSIDE / 'planted').write_text('x')\n"
        "    LOOT.touch()\n"
        "    os._exit(0)\n"
        "os.wait()"
    ),
    "overwrite": "(OUTSIDE / 'file').write_text('x')\nLOOT.touch()",
    "append": "(OUTSIDE / 'file').open('a').write('x')\nLOOT.touch()",
    "delete": "(OUTSIDE / 'file').unlink()\nLOOT.touch()",
    "move in": "os.rename(OUTSIDE / 'file', LOOT)",
    "link in": "os.link(OUTSIDE / 'file', LOOT)",
    "make a folder": "(OUTSIDE / 'made').mkdir()\nLOOT.touch()",
    "signal the engine": "os.kill(ENGINE, 0)\nLOOT.touch()",
    "trace the engine": (
        "done = libc.ptrace(16, ENGINE, 0, 0)\n"
        "assert done == 0\nos.waitpid(ENGINE, 0)\nlibc.ptrace(17, ENGINE, 0, 0)\nLOOT.touch()"
    ),
    "trace a child": (
        "child = os.fork()\n"
        "if child == 0:\n    time.sleep(5)\n    os._exit(0)\n"
        "done = libc.ptrace(16, child, 0, 0)\n"
        "os.kill(child, 9)\nassert done == 0\nLOOT.touch()"
    ),
    "connect over TCP": "socket.create_connection(('127.0.0.1', PORT), 2)\nLOOT.touch()",
    "connect over IPv6": "socket.create_connection(('::ffff:127.0.0.1', PORT), 2)\nLOOT.touch()",
    "exchange over UDP": (
        "link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "link.settimeout(2)\nlink.sendto(b'ping', ('127.0.0.1', UDP))\n"
        "LOOT.write_bytes(link.recv(10))"
    ),
    "connect to a UNIX socket": (
        "socket.socket(socket.AF_UNIX).connect(str(OUTSIDE / 'socket'))\nLOOT.touch()"
    ),
    "use a raised limit": (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))\n"
        "with open('big', 'wb') as file: file.truncate(300 << 20)\n"
        "LOOT.touch()"
    ),
    "change a mode": "os.chmod(OUTSIDE / 'file', 0o777)\nLOOT.touch()",
    "change a time": "os.utime(OUTSIDE / 'file', (1, 1))\nLOOT.touch()",
    "tell whether a file exists": "os.stat(OUTSIDE / 'secret')\nLOOT.touch()",
}
REDUCED_LETS = {"change a mode", "change a time", "tell whether a file exists"}
"""What Landlock cannot refuse; `tools/sandbox/landlock.py` says so."""
NO_CONTROL = {"trace the engine", "use a raised limit", "read the engine's environment"}
"""Refused without a sandbox too (limits are always set), or not to be tried on the test's self."""

# Where an act may stand: its file, how it stands there, and what makes it run.
PLACES = {
    "conftest.py": {"conftest.py": "{act}", "test_x.py": "def test_x(): pass"},
    "folder's conftest.py": {"sub/conftest.py": "{act}", "sub/test_x.py": "def test_x(): pass"},
    "a hook": {
        "conftest.py": "def pytest_sessionfinish(session):\n{indented}",
        "test_x.py": "def test_x(): pass",
    },
    "a fixture's end": {
        "test_x.py": "import pytest\n@pytest.fixture\ndef late():\n    yield\n{indented}\n"
        "def test_x(late): pass"
    },
    "a plugin named in the settings": {
        "pytest.ini": "[pytest]\naddopts = -p evil",
        "evil.py": "{act}",
        "test_x.py": "def test_x(): pass",
    },
    "a module that shadows the library's": {
        "colorsys.py": "{act}",
        "test_x.py": "import colorsys\ndef test_x(): pass",
    },
    "sitecustomize.py": {
        "sitecustomize.py": "{act}",
        "test_x.py": "import os, subprocess, sys\ndef test_x():\n"
        "    env = {{**os.environ, 'PYTHONPATH': os.getcwd()}}\n"
        "    subprocess.run([sys.executable, '-c', ''], env=env, check=True)",
    },
    "a .pth file": {
        "evil.py": "{act}",
        "evil.pth": "import evil",
        "test_x.py": "import site, os\ndef test_x(): site.addsitedir(os.getcwd())",
    },
    "code at import": {"test_x.py": "{act}\ndef test_x(): pass"},
    "a doctest": {
        "pytest.ini": "[pytest]\naddopts = --doctest-modules",
        "evil.py": "{act}\ndef f():\n    '''\n    >>> 1\n    1\n    '''",
        "test_x.py": "def test_x(): pass",
    },
    "a unittest": {
        "test_x.py": "import unittest\nclass X(unittest.TestCase):\n    def test_x(self):\n"
        "{twice_indented}"
    },
    "setup.py beside the tests": {
        "setup.py": "{act}",
        "test_x.py": "import subprocess, sys\ndef test_x():\n"
        "    subprocess.run([sys.executable, 'setup.py'], check=False)",
    },
}


@dataclass
class Reach:
    """What lies outside and answers."""

    folder: Path
    port: int
    datagrams: int

    def code(self, act: str, loot: Path) -> str:
        header = HEADER.format(
            outside=str(self.folder),
            port=self.port,
            udp=self.datagrams,
            engine=os.getpid(),
            loot=str(loot),
        )
        tried = f"try:\n{indent(act, '    ')}\nexcept (OSError, AssertionError, ValueError,\n"
        return f"{header}\n{tried}        subprocess.CalledProcessError): pass\n"


@pytest.fixture
def reach(outside: Path) -> Iterator[Reach]:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(outside / "socket"))
        unix.listen()

        def answer() -> None:
            while (received := udp.recvfrom(10))[0] == b"ping":
                udp.sendto(b"pong", received[1])

        thread = threading.Thread(target=answer)
        thread.start()
        yield Reach(outside, tcp.getsockname()[1], udp.getsockname()[1])
        udp.sendto(b"end", udp.getsockname())
        thread.join()


def got_out(sandbox: Sandbox, files: dict[str, str], act: str, reach: Reach, root: Path) -> bool:
    root.mkdir()
    code = reach.code(act, root / "loot")
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(
            text.format(
                act=code, indented=indent(code, "    "), twice_indented=indent(code, "        ")
            )
        )
    report = TestRunner(detect(root), root, sandbox, timeout=60).run()
    assert not report.timed_out
    assert report.results, report.problem or report.output
    return (root / "loot").exists()


def gets_out(sandbox: Sandbox, act: str, reach: Reach, root: Path) -> bool:
    """The act alone, as any code under test could do it."""
    root.mkdir()
    code = reach.code(act, root / "loot")
    done = sandbox.run([sys.executable, "-c", code], cwd=root, timeout=60, writable=[root])
    assert done.returncode == 0, done.stderr
    return (root / "loot").exists()


@pytest.mark.parametrize("name", ACTS)
def test_no_act_gets_out(
    confined: Sandbox, free: Sandbox, reach: Reach, tmp_path: Path, name: str
) -> None:
    before = seen(reach.folder)
    out = gets_out(confined, ACTS[name], reach, tmp_path / "confined")
    known = confined.level == "reduced" and name in REDUCED_LETS
    assert out == known, "the list of what the reduced sandbox lets through must be honest"
    if not known:
        assert seen(reach.folder) == before
    if name not in NO_CONTROL:
        assert gets_out(free, ACTS[name], reach, tmp_path / "free") or known


@pytest.mark.parametrize("place", PLACES)
def test_no_place_to_put_it_gets_out(
    confined: Sandbox, free: Sandbox, reach: Reach, tmp_path: Path, place: str
) -> None:
    assert not got_out(confined, PLACES[place], TAKE, reach, tmp_path / "confined")
    if confined.level == "full":  # the positive control, once
        assert got_out(free, PLACES[place], TAKE, reach, tmp_path / "free")
