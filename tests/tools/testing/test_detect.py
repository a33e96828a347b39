"""Finding out how tests are run, from files alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.errors import NoTests, ToolsError
from tools.testing import detect

UNITTEST = "import unittest\nclass TestX(unittest.TestCase):\n    def test_x(self): pass\n"
PYTEST = "def test_x(): pass\n"


def found(root, command=None, **environment):
    return detect(root, command, environment=environment)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", ""),
        (".pytest.ini", "[pytest]\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-ra'\n"),
        ("tox.ini", "[pytest]\naddopts = -ra\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = -ra\n"),
    ],
)
def test_configuration_asks_for_pytest(repository, name, text):
    plan = found(repository({name: text, "tests/test_x.py": UNITTEST}))
    assert plan.kind == "pytest"
    assert f"configured in {name}" in plan.reasons[0]
    assert plan.argv == ("python", "-m", "pytest")


@pytest.mark.parametrize("name", ["pyproject.toml", "tox.ini", "setup.cfg"])
def test_other_configuration_does_not_ask_for_pytest(repository, name):
    text = "[tool.black]\n" if name.endswith("toml") else "[flake8]\nignore = E1\n"
    plan = found(repository({name: text, "tests/test_x.py": UNITTEST}))
    assert plan.kind == "unittest"


@pytest.mark.parametrize(
    "path", ["test_x.py", "tests/test_x.py", "src/pkg/x_test.py", "a/tests.py"]
)
def test_test_files_are_found_wherever_they_are(repository, path):
    plan = found(repository({path: PYTEST}))
    assert plan.kind == "pytest"
    assert path in plan.reasons[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (UNITTEST, "unittest"),
        (UNITTEST + "import pytest\n", "pytest"),
        (UNITTEST + PYTEST, "pytest"),
        ("class TestX:\n    def test_x(self): pass\n", "pytest"),
        ("def test_x(:\n", "pytest"),
        ("import unittest\nclass T(unittest.TestCase:\n", "unittest"),
    ],
)
def test_style_of_the_tests_decides(repository, text, kind):
    assert found(repository({"test_x.py": text})).kind == kind


def test_custom_file_pattern(repository):
    root = repository({"pytest.ini": "[pytest]\npython_files = check_*.py\n", "check_a.py": PYTEST})
    assert found(root).kind == "pytest"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"lib.py": "x = 1\n"},
        {".venv/pyvenv.cfg": "", ".venv/lib/test_x.py": PYTEST},
        {"strange/pyvenv.cfg": "", "strange/test_x.py": PYTEST},
        {"node_modules/a/test_x.py": PYTEST},
    ],
)
def test_no_tests(repository, files):
    with pytest.raises(NoTests, match="--test-cmd"):
        found(repository(files))


def make_environment(folder: Path, *packages: str) -> Path:
    """What a virtual environment looks like, without one being made."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / "pyvenv.cfg").write_text("home = /nowhere\n")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    for name in packages:
        (site / name).mkdir()
    return folder / "bin" / "python"


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_own_environment_comes_first(repository, name):
    root = repository({"test_x.py": PYTEST})
    python = make_environment(root / name, "pytest")
    plan = found(root)
    assert plan.python == str(python)
    assert any(f"the repository's own {name}" in reason for reason in plan.reasons)
    assert plan.environment["VIRTUAL_ENV"] == str(root / name)
    assert plan.environment["PATH"].startswith(str(root / name / "bin"))


def test_environment_without_pytest_is_passed_over_with_a_reason(repository, tmp_path):
    root = repository({"test_x.py": PYTEST})
    make_environment(root / ".venv")
    active = make_environment(tmp_path / "active", "pytest")
    plan = found(root, VIRTUAL_ENV=str(tmp_path / "active"))
    assert plan.python == str(active)
    assert "the repository's own .venv has no pytest" in plan.reasons


def test_own_environment_without_pytest_is_enough_for_unittest(repository):
    root = repository({"test_x.py": UNITTEST})
    assert found(root).python != str(make_environment(root / ".venv"))
    assert found(root).python == str(root / ".venv" / "bin" / "python")


def test_ours_is_the_last_resort(repository):
    assert found(repository({"test_x.py": PYTEST})).python == sys.executable


def test_environment_that_is_no_python_is_ignored(repository, tmp_path):
    root = repository({"test_x.py": PYTEST})
    (tmp_path / "evil").write_text("#!/bin/sh\ntouch /tmp/executed\n")
    (tmp_path / "evil").chmod(0o755)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "pyvenv.cfg").write_text("home = /\n")
    (root / ".venv" / "bin" / "python").symlink_to(tmp_path / "evil")
    (root / "python3").write_text("#!/bin/sh\ntouch /tmp/executed\n")
    (root / "python3").chmod(0o755)
    assert found(root, PATH=str(root)).python == sys.executable


def test_addopts_that_do_not_fit_are_left_out(repository):
    options = "-n auto --cov --cov-report=xml -x -p no:cacheprovider -m 'not slow' tests"
    root = repository({"pytest.ini": f"[pytest]\naddopts = {options}\n", "tests/test_x.py": PYTEST})
    plan = found(root)
    assert "addopts=-p no:cacheprovider -m 'not slow'" in plan.arguments
    assert plan.targets == ("tests",)
    assert any("-n auto --cov --cov-report=xml -x" in reason for reason in plan.reasons)


def test_addopts_that_fit_are_left_alone(repository):
    root = repository({"pytest.ini": "[pytest]\naddopts = -ra -v\n", "test_x.py": PYTEST})
    assert not any(word.startswith("addopts=") for word in found(root).arguments)


@pytest.mark.parametrize("text", ["[pytest\n", "\x00", "[tool.pytest.ini_options]\nx = [\n"])
def test_broken_configuration_is_a_reason_not_a_failure(repository, text):
    root = repository({"pyproject.toml": text, "test_x.py": PYTEST})
    assert found(root).kind == "pytest"


@pytest.mark.parametrize(
    ("command", "arguments", "targets"),
    [
        ("pytest", (), ()),
        ("pytest tests/unit -k 'a or b' -x", ("-k", "a or b"), ("tests/unit",)),
        ("python -m pytest --deselect a::b test_x.py", ("--deselect", "a::b"), ("test_x.py",)),
        ("python3 -m pytest -W error -- test_x.py", ("-W", "error"), ("test_x.py",)),
    ],
)
def test_pytest_command_runs_in_the_worker(repository, command, arguments, targets):
    plan = found(repository({}), command)
    assert plan.kind == "pytest"
    assert plan.arguments[: len(arguments)] == arguments
    assert plan.targets == targets


@pytest.mark.parametrize(
    ("command", "names", "starts", "pattern"),
    [
        ("python -m unittest", (), ((".", "."),), "test*.py"),
        ("python -m unittest -v a.b a.C", ("a.b", "a.C"), ((".", "."),), "test*.py"),
        ("python -m unittest discover -s t -p 'c*.py'", (), (("t", "t"),), "c*.py"),
        ("python -m unittest discover t -t .", (), (("t", "."),), "test*.py"),
    ],
)
def test_unittest_command_runs_in_the_worker(repository, command, names, starts, pattern):
    plan = found(repository({"test_x.py": UNITTEST}), command)
    assert plan.kind == "unittest"
    assert (plan.targets, plan.starts, plan.pattern) == (names, starts, pattern)


@pytest.mark.parametrize(
    "command", ["make test", "tox -e py", "./run.sh 'a b'", "python run_tests.py", "python -m nose"]
)
def test_any_other_command_is_taken_as_it_is(repository, command):
    plan = found(repository({}), command)
    assert plan.kind == "command"
    assert plan.argv[0] == command.split()[0]


def test_variables_in_front_of_a_command(repository):
    plan = found(repository({}), "DEBUG=1 X='a b' pytest")
    assert plan.kind == "pytest"
    assert (plan.environment["DEBUG"], plan.environment["X"]) == ("1", "a b")


@pytest.mark.parametrize("command", ["", "   ", "pytest 'open", "A=1"])
def test_command_that_is_none(repository, command):
    with pytest.raises(ToolsError, match="test command"):
        found(repository({}), command)


def test_interpreter_named_by_its_path(repository):
    root = repository({})
    python = make_environment(root / "my env", "pytest")
    plan = found(root, "'my env/bin/python' -m pytest")
    assert (plan.kind, plan.python) == ("pytest", str(python))
    assert found(root, "'my env/bin/pytest'").python == str(python)


def test_a_value_of_an_unknown_option_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a():\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --cov=x --report ndiff test_a.py\n")
    plan = detect(tmp_path, environment={"PATH": ""})
    assert plan.targets == ("test_a.py",)
    assert plan.arguments[-1] == "addopts=--report ndiff"
