"""The worker with pytest: what is reported of each test."""

from __future__ import annotations

from tools.report import Outcome

SOURCE = """
    def double(number):
        if number < 0:
            raise ValueError(f"negative: {number}")
        return number * 3
"""


def outcomes(report):
    return {result.id: result.outcome.value for result in report.results}


def by_id(report, wanted):
    return next(result for result in report.results if result.id == wanted)


def test_each_outcome_is_told_apart(repository, any_sandbox):
    from tools.testing import TestRunner, detect

    root = repository(
        {
            "tests/test_all.py": """
                import pytest

                @pytest.fixture
                def broken():
                    raise RuntimeError("no database")

                @pytest.fixture
                def untidy():
                    yield
                    raise OSError("still open")

                def test_pass(): pass
                def test_fail(): assert 1 == 2
                def test_setup(broken): pass
                def test_teardown(untidy): pass
                def test_skip(): pytest.skip("not today")
                @pytest.mark.xfail
                def test_xfail(): assert False
                def test_exits(): raise SystemExit(3)
            """
        }
    )
    report = TestRunner(detect(root), root, any_sandbox, timeout=60).run()
    name = "tests/test_all.py::test_"
    assert outcomes(report) == {
        name + "pass": "passed",
        name + "fail": "failed",
        name + "setup": "error",
        name + "teardown": "error",
        name + "skip": "skipped",
        name + "xfail": "skipped",
        name + "exits": "failed",
    }
    assert report.exit_code == 1
    assert report.collected == 7
    assert not report.problem
    assert not report.timed_out
    assert not report.green


def test_failure_has_message_traceback_and_frames_with_values(repository, session):
    root = repository(
        {
            "src/numbers_lib/__init__.py": "",
            "src/numbers_lib/core.py": SOURCE,
            "tests/test_core.py": """
                from numbers_lib.core import double

                def test_negative():
                    print("told on the way")
                    double(-2)
            """,
        }
    )
    result = session(root).run().results[0]
    assert result.message == "ValueError: negative: -2"
    assert [(f.path, f.function) for f in result.frames] == [
        ("tests/test_core.py", "test_negative"),
        ("src/numbers_lib/core.py", "double"),
    ]
    assert result.frames[1].line == 4
    assert result.frames[1].local_values == {"number": "-2"}
    assert "raise ValueError" in result.traceback
    assert "told on the way" in result.traceback
    assert len(result.traceback) <= 4000
    assert result.path == "tests/test_core.py"


def test_causes_lead_to_their_origin(repository, session):
    root = repository(
        {
            "low.py": "def read():\n    return {}['key']\n",
            "test_high.py": """
                import low
                def test_wrapped():
                    try:
                        low.read()
                    except KeyError as error:
                        raise RuntimeError("wrapped") from error
            """,
        }
    )
    frames = session(root).run().results[0].frames
    assert ("low.py", 2) in [(frame.path, frame.line) for frame in frames]


def test_hostile_values_do_not_break_the_report(repository, session):
    root = repository(
        {
            "test_values.py": """
                class Bad:
                    def __repr__(self): raise KeyError("no repr")
                class Mute(Exception):
                    def __str__(self): raise KeyError("no text")
                def test_repr():
                    bad, long, deep = Bad(), "x" * 100000, []
                    for _ in range(500): deep = [deep]
                    assert False, "\\x1b]0;title\\x07 \\x1b[31mred"
                def test_text():
                    raise Mute()
            """
        }
    )
    report = session(root).run()
    first = by_id(report, "test_values.py::test_repr")
    assert "\x1b" not in first.message + first.traceback
    assert len(first.frames[0].local_values["long"]) <= 130
    assert "Bad" in first.frames[0].local_values["bad"]
    assert by_id(report, "test_values.py::test_text").outcome is Outcome.FAILED


def test_syntax_error_in_source_points_at_its_line(repository, session):
    root = repository(
        {
            "shop.py": "def price():\n    return (1 +\n",
            "test_shop.py": "import shop\ndef test_price(): assert shop.price() == 1\n",
            "test_other.py": "def test_fine(): pass\n",
        }
    )
    report = session(root).run()
    broken = by_id(report, "test_shop.py")
    assert broken.outcome is Outcome.ERROR
    assert broken.message.startswith("SyntaxError")
    assert ("shop.py", 2) in [(frame.path, frame.line) for frame in broken.frames]
    assert outcomes(report)["test_other.py::test_fine"] == "passed"


def test_syntax_error_in_test_file_is_reported_under_the_file(repository, session):
    root = repository({"test_bad.py": "def test_x(:\n"})
    result = session(root).run().results[0]
    assert (result.id, result.outcome) == ("test_bad.py", Outcome.ERROR)
    assert result.frames[-1].path == "test_bad.py"


def test_error_imported_by_conftest_is_located(repository, session):
    files = {
        "shop.py": "RATE = undefined\n",
        "tests/conftest.py": "import shop\n",
        "tests/test_shop.py": "def test_x(): pass\n",
    }
    root = repository(files)
    with session(root) as worker:
        for selection in (None, ["tests/conftest.py"], ["tests/test_shop.py::test_x"]):
            result = worker.run(selection).results[0]
            assert result.id == "tests/conftest.py"
            assert result.message == "NameError: name 'undefined' is not defined"
            assert result.frames[-1].path == "shop.py"
        (root / "shop.py").write_text("RATE = 1\n")
        assert outcomes(worker.run(["tests/conftest.py"])) == {
            "tests/test_shop.py::test_x": "passed"
        }


def test_one_broken_file_does_not_stop_the_selected_others(repository, session):
    root = repository(
        {
            "test_a.py": "import missing_module_of_nobody\ndef test_a(): pass\n",
            "test_b.py": "def test_b(): pass\n",
        }
    )
    report = session(root).run(["test_a.py::test_a", "test_b.py::test_b"])
    assert outcomes(report) == {"test_a.py": "error", "test_b.py::test_b": "passed"}


def test_name_that_is_gone_does_not_stop_the_others(repository, session):
    root = repository({"test_b.py": "def test_b(): pass\n"})
    report = session(root).run(["test_b.py::test_gone", "test_b.py::test_b", "no_file.py::test"])
    assert outcomes(report) == {"test_b.py::test_b": "passed"}
    assert "test_b.py::test_gone" in report.problem


def test_odd_parameter_ids_select_their_test_again(repository, session):
    root = repository(
        {
            "test_odd.py": """
                import pytest
                TEXTS = ["a b", "x::y", "[z]", "é", "", "tab\\t", "a/b.py::c", "-k x", "]["]
                class TestOdd:
                    @pytest.mark.parametrize("text", TEXTS)
                    def test_odd(self, text):
                        pass
            """
        }
    )
    with session(root) as worker:
        ids = worker.run().ids(Outcome.PASSED)
        assert len(ids) == 9
        for wanted in ids:
            assert worker.run([wanted]).ids(Outcome.PASSED) == (wanted,)
        assert len(worker.run(["test_odd.py::TestOdd::test_odd"]).results) == 9
        assert len(worker.run(["test_odd.py"]).results) == 9


def test_conftest_fixtures_and_marks_work(repository, session):
    root = repository(
        {
            "pytest.ini": "[pytest]\nmarkers = slow: takes long\naddopts = --strict-markers\n",
            "tests/conftest.py": """
                import pytest
                @pytest.fixture(scope="session")
                def number(tmp_path_factory):
                    assert tmp_path_factory.mktemp("x").is_dir()
                    return 4
            """,
            "tests/test_x.py": """
                import pytest
                @pytest.mark.slow
                def test_number(number, tmp_path, capsys, monkeypatch, request):
                    request.config.cache.set("key/name", 1)
                    assert number == 4
            """,
        }
    )
    report = session(root).run()
    assert report.green, report
    assert sorted(p.name for p in root.iterdir()) == ["pytest.ini", "tests"]


def test_an_error_behind_the_last_test_takes_nothing_from_the_report(repository, session):
    late = "def pytest_unconfigure(): raise ValueError('left open')\n"
    files = {"lib.py": "x = 1\n", "test_x.py": "import lib\ndef test_a(): assert lib.x\n"}
    with session(repository({**files, "conftest.py": late})) as worker:
        report = worker.run(coverage=True)
        assert report.ids(Outcome.PASSED) == ("test_x.py::test_a",)
        assert "lib.py" in report.imports["test_x.py"]
        assert report.exit_code == 1
        assert report.problem == ("pytest broke off behind the last test: ValueError('left open')")


def test_stop_at_first(repository, session):
    root = repository({"test_x.py": "def test_a(): assert 0\ndef test_b(): pass\n"})
    assert session(root).run(stop_at_first=True).ids(Outcome.PASSED) == ()


def test_progress_counts_up_to_the_number_of_tests(repository, session):
    root = repository({"test_x.py": "def test_a(): pass\ndef test_b(): pass\n"})
    seen: list[tuple[int, int]] = []
    session(root).run(on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_no_tests_collected_is_a_problem(repository, session):
    report = session(repository({"test_x.py": "x = 1\n", "conftest.py": ""})).run()
    assert report.exit_code == 5
    assert report.problem == "No tests were collected."


def test_unknown_option_in_addopts_is_left_out_with_a_note(repository, session):
    root = repository(
        {
            "pytest.ini": "[pytest]\naddopts = --no-such-plugin-option\n",
            "test_x.py": "def test_a(): pass\n",
        }
    )
    with session(root) as worker:
        first = worker.run()
        assert first.green
        assert "--no-such-plugin-option" in first.notes[0]
        assert not first.problem
        assert worker.run().green


def test_missing_plugin_in_addopts_is_left_out(repository, session):
    root = repository(
        {
            "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p no_such_plugin"\n',
            "test_x.py": "def test_a(): pass\n",
        }
    )
    assert session(root).run().green


def test_options_for_many_processes_and_coverage_are_neutralised(repository, session):
    root = repository(
        {
            "setup.cfg": "[tool:pytest]\naddopts = -n auto --cov=pkg --cov-report xml -x -ra\n",
            "test_x.py": "def test_a(): assert 0\ndef test_b(): pass\n",
        }
    )
    report = session(root).run()
    assert len(report.results) == 2
    assert not report.notes


def test_fixtures_of_pytest_itself_are_there(repository, runner):
    names = "tmp_path, tmpdir, capsys, monkeypatch, request, caplog, recwarn, cache"
    root = repository({"test_a.py": f"def test_a({names}):\n    assert tmpdir and tmp_path\n"})
    assert runner(root).run().green
