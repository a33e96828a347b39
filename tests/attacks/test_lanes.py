"""A candidate in the second lane of the search, and what belongs to the first one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import indent

import pytest
from field import seen

from agent.trials import TestBench
from tools.errors import SandboxUnavailable
from tools.sandbox import Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.testing import TestRunner, detect
from tools.workspace import Workspace

SHELL = "subprocess.run(['sh', '-c', f'echo > {OTHER}/calc.py'], check=True)"
ACTS = {
    "overwrite": "(OTHER / 'calc.py').write_text('x = 2')",
    "overwrite in a shell": SHELL,
    "overwrite through a link": "os.symlink(OTHER, 'way')\nopen('way/calc.py', 'w').close()",
    "plant": "(OTHER / 'conftest.py').write_text('x = 2')",
    "delete": "(OTHER / 'calc.py').unlink()",
    "move": "os.rename(OTHER / 'calc.py', OTHER / 'other.py')",
    "read": "(OTHER / 'calc.py').read_text()",
    "read what it left in /tmp": "MARK.read_text()",
}
HARMLESS = ("read", "read what it left in /tmp")
"""Acts that change nothing where they succeed."""


@pytest.fixture(scope="module")
def full() -> Sandbox:
    """The only one in which there are two lanes."""
    try:
        return Bubblewrap()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def mark() -> Iterator[Path]:
    """A file of its own in the machine's /tmp, or in that of a sandbox."""
    path = Path(f"/tmp/lanes-{os.getpid()}-mark")
    yield path
    path.unlink(missing_ok=True)


def got_through(sandbox: Sandbox, act: str, place: Path, mark: Path) -> tuple[bool, bool]:
    """Whether the act succeeded, and whether the first lane's copy is another one now."""
    source = place / "repo"
    source.mkdir(parents=True)
    (source / "calc.py").write_text("x = 1\n")
    (source / "test_calc.py").write_text("def test_it():\n    assert 0\n")
    with ExitStack() as stack:
        first = Workspace.create(source, place / "first")
        stack.callback(first.close)
        runner = TestRunner(detect(source), first.root, sandbox, timeout=60)
        bench = TestBench(runner, first, lambda _done, _total: None, stack)
        run = {"coverage": False, "clean": False, "timeout": 30.0}
        first.write("test_calc.py", f"def test_it():\n    open({str(mark)!r}, 'w').close()\n")
        assert bench(["test_calc.py::test_it"], **run).green
        second = Workspace.again(place / "first", place / "second")
        stack.callback(second.close)
        head = f"OTHER, MARK = Path({str(first.root)!r}), Path({str(mark)!r})"
        second.write(
            "test_calc.py",
            "import os, subprocess\nfrom pathlib import Path\n"
            f"{head}\n\ndef test_it():\n{indent(act, '    ')}\n",
        )
        before = seen(first.root)
        report = bench.beside(second)(["test_calc.py::test_it"], **run)
        assert report.total == 1, "the act was tried"
        return report.green, seen(first.root) != before


@pytest.mark.parametrize("name", ACTS)
def test_no_act_in_one_lane_reaches_the_other(
    full: Sandbox, free: Sandbox, tmp_path: Path, mark: Path, name: str
) -> None:
    assert got_through(full, ACTS[name], tmp_path / "confined", mark) == (False, False)
    mark.unlink(missing_ok=True)
    control = got_through(free, ACTS[name], tmp_path / "free", mark)
    assert control == (True, name not in HARMLESS)
