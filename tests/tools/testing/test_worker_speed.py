"""What the worker leaves out to be quick is nothing that a run's caller relies on."""

from __future__ import annotations

from types import CodeType

import pytest

from tools.report import Outcome
from tools.worker.codecache import CodeCache

FAILING = {
    "pytest": {"test_m.py": "def test_bad():\n    number = 1\n    assert number == 2\n"},
    "unittest": {
        "test_m.py": """
            import unittest

            class TestM(unittest.TestCase):
                def test_bad(self):
                    self.assertEqual(1, 2)
        """
    },
}


@pytest.mark.parametrize("kind", FAILING)
def test_a_brief_run_keeps_the_outcome_and_the_message(kind, repository, session):
    open_session = session(repository(FAILING[kind]), f"python -m {kind}")
    (full,) = open_session.run().results
    (brief,) = open_session.run(brief=True).results
    assert brief.outcome is full.outcome is Outcome.FAILED
    assert brief.message == full.message
    assert "AssertionError" in brief.message
    assert full.traceback
    assert full.frames
    assert (brief.traceback, brief.frames) == ("", ())


def test_fixtures_of_pytest_and_of_the_repository_are_found_after_preloading(repository, runner):
    root = repository(
        {
            "conftest.py": "import pytest\n@pytest.fixture\ndef ours(): return 7\n",
            "test_m.py": """
                import logging

                def test_fixtures(ours, tmp_path, capsys, caplog, monkeypatch, request, cache):
                    monkeypatch.setenv("NAME", str(ours))
                    logging.getLogger().warning("seen")
                    print((tmp_path / "x").name)
                    assert capsys.readouterr().out == "x\\n"
                    assert "seen" in caplog.text

                def test_none(gone): pass
            """,
        }
    )
    tests = runner(root)
    tests.run()
    with tests.session() as session:
        found = {r.id.partition("::")[2]: r.outcome for r in session.run().results}
    assert found == {"test_fixtures": Outcome.PASSED, "test_none": Outcome.ERROR}


class Compiler:
    def __init__(self) -> None:
        self.compiled: list[bytes] = []

    def __call__(self, path: str, source: bytes) -> CodeType:
        self.compiled.append(source)
        return compile(source, path, "exec")


def test_a_file_that_is_as_it_was_is_not_compiled_again(tmp_path):
    file = tmp_path / "m.py"
    file.write_bytes(b"a = 1\n")
    compiler = Compiler()
    cache = CodeCache(compiler)
    cache.learn([str(file)], 1.0)
    for number in range(3):  # a candidate was missed, and taken back before the cache learns
        assert cache.get(str(file), b"a = %d\n" % (number + 2)) is None
        cache.learn([str(file)], 1.0)
    assert compiler.compiled == [b"a = 1\n"]
    assert cache.get(str(file), b"a = 1\n") is not None


def test_an_edit_that_stays_is_compiled_when_it_is_missed_again(tmp_path):
    file = tmp_path / "m.py"
    file.write_bytes(b"a = 1\n")
    compiler = Compiler()
    cache = CodeCache(compiler)
    cache.learn([str(file)], 1.0)
    file.write_bytes(b"a = 2\n")
    cache.learn([str(file)], 1.0)
    assert compiler.compiled == [b"a = 1\n"]
    cache.learn([str(file)], 1.0)
    assert compiler.compiled == [b"a = 1\n", b"a = 2\n"]
