"""Lines per test, and lines that ran at import."""

from __future__ import annotations

import pytest

FILES = {
    "shop/__init__.py": "from shop.prices import TAX\n",
    "shop/prices.py": """\
        TAX = 19

        class Price:
            currency = "EUR"

            def gross(self, net, tax=TAX):
                if net < 0:
                    raise ValueError(net)
                return net * (100 + tax) // 100

            def free(self):
                return 0
    """,
    "shop/unused.py": "NEVER = 1\n",
    "tests/conftest.py": """\
        import pytest
        from shop.prices import Price

        @pytest.fixture(scope="module")
        def shared():
            return Price().gross(100)
    """,
    "tests/test_a.py": """\
        from shop.prices import Price
        def test_gross(): assert Price().gross(100) == 119
        def test_free(): assert Price().free() == 0
        def test_shared_one(shared): assert shared == 119
        def test_shared_two(shared): assert shared == 119
    """,
    "tests/test_b.py": """\
        import threading
        def test_late():
            from shop.prices import Price
            thread = threading.Thread(target=Price().free)
            thread.start()
            thread.join()
    """,
    "tests/test_c.py": "def test_alone(): pass\n",
}


@pytest.fixture
def report(repository, runner):
    report = runner(repository(FILES)).run(coverage=True)
    assert report.green, report
    return report


def lines(report, name, path="shop/prices.py"):
    result = next(r for r in report.results if r.id.endswith("::" + name))
    return result.lines.get(path, ())


def test_lines_are_those_that_the_test_ran_inside_functions(report):
    assert lines(report, "test_gross") == (7, 9)
    assert lines(report, "test_free") == (12,)
    assert lines(report, "test_alone") == ()
    assert lines(report, "test_gross", "tests/test_a.py") == (2,)


def test_shared_fixture_counts_for_every_test_that_uses_it(report):
    assert lines(report, "test_shared_one") == (7, 9)
    assert lines(report, "test_shared_two") == (7, 9)


def test_threads_are_measured(report):
    assert lines(report, "test_late") == (12,)


def test_code_outside_functions_is_kept_apart(report):
    assert report.import_lines["shop/prices.py"] == (1, 3, 4, 6, 11)


def test_imports_say_which_test_files_reach_a_file(report):
    reaching = {test for test, files in report.imports.items() if "shop/prices.py" in files}
    assert reaching == {"tests/test_a.py", "tests/test_b.py", "tests/test_c.py"}
    assert "shop/__init__.py" in report.imports["tests/test_a.py"]
    assert "tests/conftest.py" in report.imports["tests/test_c.py"]
    assert not any("shop/unused.py" in files for files in report.imports.values())


def test_files_that_a_test_does_not_import_are_not_its_own(repository, runner):
    root = repository(
        {
            "a.py": "A = 1\n",
            "b.py": "import a\nB = 1\n",
            "test_a.py": "import a\ndef test_a(): pass\n",
            "test_b.py": "import b\ndef test_b(): pass\n",
        }
    )
    imports = runner(root).run(coverage=True).imports
    assert imports["test_a.py"] == ("a.py", "test_a.py")
    assert imports["test_b.py"] == ("a.py", "b.py", "test_b.py")


def test_a_file_that_fails_at_import_has_its_lines(repository, runner):
    root = repository(
        {
            "lib.py": "A = 1\nB = A + None\nC = 2\n",
            "test_x.py": "import lib\ndef test_x(): pass\n",
        }
    )
    report = runner(root).run(coverage=True)
    assert report.import_lines["lib.py"] == (1, 2)
    assert report.results[0].frames[-1].line == 2


def test_without_coverage_there_are_no_lines(repository, runner):
    report = runner(repository(FILES)).run()
    assert not report.import_lines
    assert all(not result.lines for result in report.results)


def test_writing_out_a_failure_counts_as_nothing_that_the_test_ran(repository, runner):
    root = repository(
        {
            "coin.py": """\
                class Coin:
                    def __init__(self, value):
                        self.value = value

                    def __repr__(self):
                        return f"Coin({self.value})"
            """,
            "test_coin.py": """\
                import unittest
                from coin import Coin
                def test_plain(): assert Coin(1) == Coin(2)
                def test_asked(): assert repr(Coin(1)) == "1"
                class TestCoin(unittest.TestCase):
                    def test_unittest(self): self.assertEqual(Coin(1), Coin(2))
            """,
        }
    )
    report = runner(root).run(coverage=True)
    assert len(report.failing) == 3
    assert lines(report, "test_plain", "coin.py") == (3,)
    assert lines(report, "test_unittest", "coin.py") == (3,)
    assert lines(report, "test_asked", "coin.py") == (3, 6), "positive control"
    assert "Coin(1)" in next(r for r in report.results if "plain" in r.id).message


@pytest.mark.parametrize("culprit", ["deeper(0)", "sys.settrace(None)"])
def test_a_test_that_ends_the_tracing_takes_no_lines_from_those_behind_it(
    repository, runner, culprit
):
    test = f"""
        import sys
        import lib
        def deeper(n): return lib.twice(deeper(n + 1))
        def test_a():
            try:
                {culprit}
            except RecursionError:
                pass
        def test_b(): assert lib.twice(2) == 4
    """
    files = {"lib.py": "def twice(n):\n    return 2 * n\n", "test_x.py": test}
    report = runner(repository(files)).run(coverage=True)
    assert report.green, report
    assert lines(report, "test_b", "lib.py") == (2,)
