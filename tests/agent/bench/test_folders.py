"""A folder is a task: its repository without its hidden tests, which come beside the others."""

from pathlib import Path

import pytest

from agent.bench.case import Unsound
from agent.bench.folders import load
from agent.bench.reference import Reference
from agent.bench.trees import TreeTests
from agent.errors import Unusable


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_hidden_tests_lie_beside_the_visible_ones(tmp_path: Path, tree_tests: TreeTests) -> None:
    write(
        tmp_path / "set",
        {
            "shop/repo/shop.py": "x = 1\n",
            "shop/repo/tests/test_shop.py": "",
            "shop/hidden/test_shop.py": "hidden",
            "shop/hidden/data/a.txt": "1",
            "shop/task.toml": 'kinds = ["boundary"]\n',
        },
    )
    (case,) = load(tmp_path / "set")
    built = case.build(tmp_path / "out", tree_tests)
    assert (case.id, case.kinds) == ("shop", ("boundary",))
    assert built.hidden == {"tests/test_hidden_shop.py": b"hidden", "tests/data/a.txt": b"1"}
    names = {path.name for path in (tmp_path / "out").rglob("*")}
    assert names == {"shop.py", "tests", "test_shop.py"}


def test_a_folder_may_be_the_repository_itself(tmp_path: Path, tree_tests: TreeTests) -> None:
    files = {"set/a/calc.py": "", "set/a/test_calc.py": "", "set/a/hidden/test_more.py": "x"}
    write(tmp_path, files | {"set/b/calc.py": "", "set/b/test_calc.py": ""})
    first, second = load(tmp_path / "set")
    assert first.build(tmp_path / "1", tree_tests).hidden == {"test_more.py": b"x"}
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == ["calc.py", "test_calc.py"]
    built = second.build(tmp_path / "2", tree_tests)
    assert (built.hidden, bool(built.note)) == ({}, True)


def test_what_is_known_of_a_task_goes_with_it(tmp_path: Path, tree_tests: TreeTests) -> None:
    about = (
        'title = "t"\nfail_to_pass = ["test_c.py::test_it"]\ntest_command = "pytest -q"\n'
        'source_file = "calc.py"\nfunctions = ["f"]\n'
    )
    files = {"a/task.toml": about, "a/repo/calc.py": "", "a/repo/.venv/pyvenv.cfg": ""}
    write(tmp_path / "set", files | {"b/repo/calc.py": "", "b/repo/venv/x": ""})
    first, second = load(tmp_path / "set")
    built = first.build(tmp_path / "1", tree_tests)
    assert (built.targets, built.test_command) == (("test_c.py::test_it",), "pytest -q")
    assert built.reference == Reference("calc.py", ("f",))
    assert built.environment == tmp_path / "set" / "a" / "repo" / ".venv"
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["calc.py"]
    bare = second.build(tmp_path / "2", tree_tests)
    assert (bare.targets, bare.environment, bare.reference) == ((), None, None)


def test_a_hidden_file_replaces_nothing(tmp_path: Path, tree_tests: TreeTests) -> None:
    write(tmp_path, {"set/a/repo/conftest.py": "", "set/a/hidden/conftest.py": ""})
    with pytest.raises(Unsound, match="would replace"):
        load(tmp_path / "set")[0].build(tmp_path / "out", tree_tests)


def test_what_is_no_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unusable, match="no repository"):
        load(tmp_path / "empty")
    write(tmp_path, {"set/a/task.toml": "kinds = ["})
    with pytest.raises(Unusable, match="is not TOML"):
        load(tmp_path / "set")
    write(tmp_path, {"set/a/task.toml": 'fail_to_pass = "test_a"'})
    with pytest.raises(Unusable, match="fail_to_pass"):
        load(tmp_path / "set")
