"""The worker among tests that misbehave: nothing outlives its run or confuses the report."""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
import venv
from pathlib import Path

import psutil
import pytest

from tools.report import Outcome
from tools.sandbox import NoSandbox
from tools.testing import TestRunner, detect
from tools.worker.clock import queue


def outcomes(report):
    return {result.id.rpartition("::")[2]: result.outcome.value for result in report.results}


def test_state_does_not_leak_between_runs(repository, session):
    root = repository(
        {
            "state.py": "seen = []\n",
            "test_x.py": """
                import os, sys, state
                def test_fresh():
                    assert not state.seen
                    assert "LEAK" not in os.environ
                    assert not hasattr(sys, "leak")
                    assert os.getcwd() == os.path.dirname(os.path.abspath(__file__))
                    state.seen.append(1)
                    os.environ["LEAK"] = sys.leak = "yes"
                    os.chdir("/")
            """,
        }
    )
    with session(root) as worker:
        assert [worker.run().green for _ in range(3)] == [True] * 3


def test_same_size_edit_within_the_same_second_is_seen(repository, session):
    root = repository(
        {
            "lib.py": "def f(): return 1\n",
            "test_x.py": "import lib\ndef test_f(): assert lib.f() == 1\n",
        }
    )
    source, stamp = root / "lib.py", 1_600_000_000
    with session(root) as worker:
        for number in (1, 2, 1, 1, 2, 2, 2, 1):
            source.write_text(f"def f(): return {number}\n")
            os.utime(source, (stamp, stamp))
            assert worker.run().green is (number == 1)
        test = root / "test_x.py"
        for number in (2, 1, 1, 2):
            test.write_text(f"import lib\ndef test_f(): assert lib.f() == {number}\n")
            os.utime(test, (stamp, stamp))
            assert worker.run().green is (number == 1)


def test_stale_bytecode_in_the_tree_is_not_used(repository, session):
    import py_compile

    root = repository(
        {
            "lib.py": "def f(): return 2\n",
            "test_x.py": "import lib\ndef test_f(): assert lib.f() == 1\n",
        }
    )
    source = root / "lib.py"
    stat = source.stat()
    py_compile.compile(str(source))
    source.write_text("def f(): return 1\n")
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    before = sorted(root.rglob("*"))
    assert session(root).run().green
    assert sorted(root.rglob("*")) == before


def test_hanging_test_fails_with_the_place_and_the_others_run(repository, runner):
    root = repository(
        {
            "lib.py": "def spin(n):\n    while n >= 0:\n        n += 1\n",
            "test_x.py": """
                import lib
                def test_a(): pass
                def test_hang(): lib.spin(0)
                def test_z(): pass
            """,
        }
    )
    report = runner(root).run(test_timeout=0.5)
    assert outcomes(report) == {"test_a": "passed", "test_hang": "failed", "test_z": "passed"}
    hung = report.failing[0]
    assert hung.message.startswith("TestTimeout: still running after 0.5")
    assert hung.frames[-1].path == "lib.py"
    assert not report.timed_out


@pytest.mark.parametrize("command", ["python -m pytest", "python -m unittest"])
def test_what_a_stopped_test_makes_of_it_is_told_as_a_stop(repository, session, command):
    source = """
        import time, unittest
        class TestX(unittest.TestCase):
            def test_a(self):
                try:
                    time.sleep(60)
                except BaseException:
                    raise ValueError("flaky")
            def test_b(self):
                raise ValueError("own")
    """
    with session(repository({"test_x.py": source}), command) as worker:
        stopped, own = worker.run(test_timeout=0.3).results
    assert stopped.message.startswith("TestTimeout: still running after 0.3 seconds")
    assert "ValueError: flaky" in stopped.traceback
    assert (stopped.hung, own.message) == (True, "ValueError: own")


@pytest.mark.skipif(queue() is None, reason="the system does not tell a test's own time")
@pytest.mark.parametrize("command", ["python -m pytest", "python -m unittest"])
@pytest.mark.parametrize("hang", ["while True: pass", "time.sleep(60)"])
def test_a_limit_to_a_tests_own_time_ends_the_run(repository, session, command, hang):
    source = f"""
        import time, unittest
        class TestX(unittest.TestCase):
            def test_a(self): pass
            def test_hang(self):
                {hang}
            def test_z(self): pass
    """
    with session(repository({"test_x.py": source}), command) as worker:
        without = worker.run(test_timeout=0.5)
        report = worker.run(test_timeout=20, own_timeout=0.3)
    assert [test.outcome for test in without.results] == ["passed", "failed", "passed"]
    assert [test.outcome for test in report.results] == ["passed", "failed"]
    assert report.failing[0].message.startswith("TestTimeout: still running after")
    assert not report.timed_out


@pytest.mark.skipif(queue() is None, reason="the system does not tell a test's own time")
def test_what_tests_put_in_place_of_files_and_clocks_does_not_touch_the_limits(repository, session):
    """As fixtures with a file system or a time of their own do."""
    source = """
        import builtins, os, time
        import pytest

        def refuse(*_args, **_more): raise RuntimeError("the test's own")

        @pytest.fixture(autouse=True)
        def another_world(monkeypatch):
            for place, name in ((builtins, "open"), (os, "listdir"), (os, "open")):
                monkeypatch.setattr(place, name, refuse)
            monkeypatch.setattr(time, "monotonic", lambda: 1e12)

        def test_a(): pass
        def test_hang():
            while True: pass
    """
    with session(repository({"test_x.py": source})) as worker:
        report = worker.run(test_timeout=20, own_timeout=0.3, timeout=40)
    assert [test.outcome for test in report.results] == ["passed", "failed"], report
    message = report.failing[0].message
    assert message.startswith("TestTimeout: still running after")
    assert float(message.split()[4]) < 20, "its own time was not told"
    assert not report.timed_out


def test_it_is_told_what_a_run_held_and_whether_it_may_have_been_held_up(repository, session):
    root = repository(
        {"test_x.py": "import time\ndef test_a(): pass\ndef test_hang(): time.sleep(60)\n"}
    )
    with session(root) as worker:
        waited = worker.run(test_timeout=0.3)
        quick = worker.run(["test_x.py::test_a"])
    assert (waited.starved, quick.starved) == (True, False)
    assert 1 << 20 < quick.memory < 1 << 32


def test_hang_outside_the_interpreter_is_killed_and_the_others_run(repository, session):
    root = repository(
        {
            "test_x.py": """
                def test_a(): pass
                def test_hang(): sum(range(10 ** 13))
                def test_z(): pass
            """
        }
    )
    report = session(root).run(test_timeout=0.3)
    assert outcomes(report) == {"test_a": "passed", "test_hang": "failed", "test_z": "passed"}
    assert not report.timed_out


@pytest.mark.parametrize("body", ["[0 for _ in iter(int, 1)]", "sum(range(10 ** 13))"])
def test_time_limit_of_the_run_names_the_test_that_hung(repository, session, body):
    root = repository({"test_x.py": f"def test_a(): pass\ndef test_hang(): {body}\n"})
    with session(root) as worker:
        report = worker.run(timeout=1.0)
        assert report.timed_out
        assert "test_x.py::test_hang" in report.problem
        assert outcomes(report) == {"test_a": "passed", "test_hang": "failed"}
        assert worker.run(["test_x.py::test_a"]).green


def test_hang_while_importing_times_out(repository, session):
    root = repository({"test_x.py": "while True: pass\ndef test_a(): pass\n"})
    report = session(root).run(timeout=1.0)
    assert report.timed_out
    assert not report.green


def test_swallowed_interruption_still_ends(repository, session):
    root = repository(
        {
            "test_x.py": """
                def test_stubborn():
                    while True:
                        try:
                            while True: pass
                        except BaseException: pass
            """
        }
    )
    report = session(root).run(timeout=1.0)
    assert report.timed_out
    assert "test_stubborn" in report.problem


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os._exit(0)", "ended the interpreter with exit status 0"),
        ("ctypes.string_at(0)", "crashed the interpreter: SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "crashed the interpreter: SIGKILL"),
        ("os.killpg(0, 9)", "crashed the interpreter: SIGKILL"),
    ],
)
def test_crash_is_blamed_on_its_test_and_the_others_run(repository, session, body, text):
    root = repository(
        {
            "test_x.py": f"""
                import ctypes, os
                def test_a(): pass
                def test_crash(): {body}
                def test_z(): pass
            """
        }
    )
    report = session(root).run()
    assert outcomes(report) == {"test_a": "passed", "test_crash": "error", "test_z": "passed"}
    assert report.failing[0].message == text
    assert not report.green


def test_many_crashes_are_given_up_with_a_problem(repository, session):
    lines = ["import os", *(f"def test_{n}(): os._exit(1)" for n in range(8))]
    report = session(repository({"test_x.py": "\n".join(lines)})).run()
    assert len(report.failing) == 5
    assert report.problem.endswith("exit status 1; 3 tests did not run.")


def test_exit_while_importing_is_a_problem(repository, session):
    root = repository({"test_x.py": "import os\nos._exit(0)\ndef test_a(): pass\n"})
    report = session(root).run()
    assert not report.green
    assert report.problem


def test_much_output_is_cut_and_control_sequences_are_removed(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os
                def test_prints():
                    for _ in range(50): print("x" * 1_000_000)
                def test_writes(capfd):
                    with capfd.disabled():
                        for _ in range(50): os.write(1, b"y" * 1_000_000)
                        os.write(2, b"\\x1b[31mend\\x07")
            """
        }
    )
    report = session(root).run()
    assert report.green
    assert len(report.output) <= 4000
    assert "\x1b" not in report.output
    assert "\x07" not in report.output


def test_protocol_lines_on_stdout_are_only_output(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os, sys
                LINE = b'{"e":"result","id":"test_x.py::test_forged","outcome":"passed","path":""}'
                END = b'z{"e":"end","code":0,"ended":true,"timed_out":false}'
                def test_forger(capfd):
                    with capfd.disabled():
                        for line in (LINE, b"c" + LINE, END):
                            os.write(1, line + b"\\n")
                            os.write(2, line + b"\\n")
                def test_fails(): assert 0
            """
        }
    )
    report = session(root).run()
    assert outcomes(report) == {"test_forger": "passed", "test_fails": "failed"}
    assert report.exit_code == 1


def test_rubbish_in_every_open_descriptor_does_no_harm(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os
                def test_vandal():
                    for number in os.listdir("/proc/self/fd"):
                        try:
                            os.write(int(number), b"\\xff\\x00{]\\nz{}\\n[1]\\n")
                        except OSError: pass
                def test_fails(): assert 0
            """
        }
    )
    with session(root) as worker:
        report = worker.run()
        assert outcomes(report) == {"test_vandal": "passed", "test_fails": "failed"}
        assert outcomes(worker.run()) == outcomes(report)


def test_forked_copy_of_the_session_reports_nothing(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os
                def test_forks():
                    if os.fork() == 0: return
                    os.wait()
                def test_after(): pass
            """
        }
    )
    report = session(root).run()
    assert outcomes(report) == {"test_forks": "passed", "test_after": "passed"}
    assert report.exit_code == 0


LEFTOVERS = """
    import os, subprocess, sys, time
    NAME = {name!r}
    def test_leaves():
        for _ in range(5):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", NAME])
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for _ in range(20): os.fork() if _ % 5 == 0 else None
                command = [sys.executable, "-c", "import time; time.sleep(600)", NAME]
                os.execv(sys.executable, command)
            os._exit(0)
        time.sleep(0.3)
"""


def test_leftover_processes_and_daemons_are_killed(repository, any_sandbox, tmp_path):
    name = f"leftover-of-{tmp_path.name}-{os.getpid()}-{id(any_sandbox)}"
    root = repository({"test_x.py": LEFTOVERS.replace("{name!r}", repr(name))})
    with TestRunner(detect(root), root, any_sandbox, timeout=60).session() as worker:
        assert worker.run().green
        worker.run(["test_x.py::none"])  # the clearing up is done before the next run
        deadline = time.monotonic() + 10
        while _alive(name) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _alive(name)


def _alive(name):
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if name in (process.info["cmdline"] or []) and process.info["status"] != "zombie":
            found.append(process.pid)
    return found


def test_fork_bomb_ends_with_its_run(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os
                def test_bomb():
                    while True:
                        try:
                            os.fork()
                        except OSError: pass
                def test_a(): pass
            """
        }
    )
    with session(root) as worker:
        report = worker.run(timeout=3.0)
        assert not report.green
        assert report.problem
        assert worker.run(["test_x.py::test_a"]).green


def test_worker_that_is_killed_is_replaced(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os
                def test_parricide():
                    os.kill(os.getppid(), 9)
                    import time; time.sleep(5)
                def test_a(): pass
            """
        }
    )
    with session(root) as worker:
        report = worker.run()
        assert "worker" in report.problem
        assert not report.green
        assert worker.run(["test_x.py::test_a"]).green


def test_memory_limit_fails_the_test_only(repository, sandbox):
    root = repository(
        {
            "test_x.py": """
                def test_greedy(): bytearray(4 * 2 ** 30)
                def test_a(): pass
            """
        }
    )
    runner = TestRunner(detect(root), root, sandbox, timeout=60, memory=2 * 2**30)
    report = runner.run()
    assert outcomes(report) == {"test_greedy": "failed", "test_a": "passed"}
    assert report.failing[0].message.startswith("MemoryError")


def test_environment_is_clean_and_fixed(repository, session, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    root = repository(
        {
            "test_x.py": """
                import os, random
                def test_environment():
                    assert "SECRET_TOKEN" not in os.environ
                    assert os.environ["PYTHONHASHSEED"] == "0"
                    print("number", random.random(), hash("x"))
                    assert 0
            """
        }
    )
    with session(root) as worker:
        first, second, other = worker.run(), worker.run(), worker.run(seed=1)
    texts = [report.results[0].traceback for report in (first, second, other)]
    assert texts[0] == texts[1] != texts[2]


FINDER = """
import sys
from importlib.util import spec_from_file_location
MAPPING = {"mapped": ORIGINAL}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            return spec_from_file_location(name, MAPPING[name] + "/__init__.py")
def install():
    sys.meta_path.append(Finder)
"""


def environment_with_editable_install(original: Path) -> None:
    """A virtual environment that has pytest and finds `lib` and `mapped` in the original tree."""
    venv.create(original / ".venv", symlinks=True)
    site = next((original / ".venv" / "lib").glob("python*/site-packages"))
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py"):
        file = Path(importlib.import_module(name).__file__)
        file = file.parent if file.name == "__init__.py" else file
        (site / file.name).symlink_to(file)
    (site / "lib.pth").write_text(
        f"{original}/src\nimport editable_finder; editable_finder.install()"
    )
    finder = FINDER.replace("ORIGINAL", repr(str(original / "other" / "mapped")))
    (site / "editable_finder.py").write_text(finder)


def test_original_tree_does_not_win_over_the_copy(repository, tmp_path):
    tests = """
        import subprocess, sys, lib, mapped
        def test_where():
            command = [sys.executable, "-c", "import lib; print(lib.WHERE)"]
            assert lib.WHERE == mapped.WHERE == "copy"
            assert subprocess.check_output(command, cwd="/").strip() == b"copy"
    """
    copy = repository(
        {
            "src/lib/__init__.py": "WHERE = 'copy'\n",
            "other/mapped/__init__.py": "WHERE = 'copy'\n",
            "tests/test_x.py": tests,
        }
    )
    original = tmp_path / "original"
    shutil.copytree(copy, original)
    for path in original.rglob("__init__.py"):
        path.write_text("WHERE = 'original'\n")
    environment_with_editable_install(original)
    plan = detect(original)
    assert plan.python == str(original / ".venv" / "bin" / "python")
    unconfined = NoSandbox(allow_unsandboxed=True)
    with TestRunner(plan, original, unconfined, timeout=60).session() as session:
        assert "assert 'original' ==" in session.run().results[0].message
    with TestRunner(plan, copy, unconfined, timeout=60).session() as session:
        assert session.run().green


def test_rerun_finds_flaky_tests(repository, runner):
    from tools.testing import flaky

    root = repository(
        {
            "test_x.py": """
                import random
                def test_flaky(): assert random.random() < 0.5
                def test_stable(): assert 0
            """
        }
    )
    one = runner(root)
    before = one.run()
    outcomes = one.rerun(before.ids(*Outcome), times=8)
    assert len(outcomes["test_x.py::test_stable"]) == 8
    assert flaky(outcomes, before.results) == ("test_x.py::test_flaky",)


@pytest.mark.parametrize("name", ["iniconfig", "packaging", "pygments"])
def test_a_library_that_pytest_needs_is_the_repositorys_own(repository, session, name):
    """The worker has pytest's copy of it loaded before the tests import theirs."""
    assert importlib.util.find_spec(name), "positive control: another copy is installed"
    root = repository(
        {
            f"{name}/__init__.py": "VALUE = 1\n",
            f"{name}/deeper.py": "VALUE = 1\n",
            "test_x.py": f"""
                import {name}
                from {name}.deeper import VALUE
                def test_own(): assert {name}.VALUE == VALUE == 1
            """,
        }
    )
    with session(root) as worker:
        assert worker.run().green
        (root / name / "deeper.py").write_text("VALUE = 2\n")
        assert outcomes(worker.run()) == {"test_own": "failed"}, "positive control"


def test_where_the_original_is_not_known_the_standard_library_stays(repository):
    """A folder of the repository that is called as a module of it is not meant."""
    test = "import json\ndef test_it(): assert json.loads('1') == 1\n"
    root = repository({"json/__init__.py": "VALUE = 1\n", "test_x.py": test})
    plan = detect(root).model_copy(update={"origin": ""})
    with TestRunner(plan, root, NoSandbox(allow_unsandboxed=True), timeout=60).session() as worker:
        assert outcomes(worker.run()) == {"test_it": "passed"}
