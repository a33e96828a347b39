"""The worker with unittest: the same report, with dotted ids."""

from __future__ import annotations

from tools.report import Outcome

CASES = """
    import unittest
    from bank import pay

    class TestPay(unittest.TestCase):
        def test_pass(self):
            self.assertEqual(pay(1), 2)

        def test_fail(self):
            self.assertEqual(pay(1), 3)

        def test_raises(self):
            pay(None)

        @unittest.skip("later")
        def test_skip(self):
            pass

        @unittest.expectedFailure
        def test_expected(self):
            self.fail()

        def test_parts(self):
            for number in range(3):
                with self.subTest(number=number):
                    self.assertLess(number, 2)

    class TestBroken(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise OSError("no server")

        def test_never(self):
            pass
"""
BANK = "def pay(n):\n    return n + 1\n"


def outcomes(report):
    return {result.id: result.outcome.value for result in report.results}


def test_each_outcome_is_told_apart(repository, session):
    root = repository({"bank.py": BANK, "tests/__init__.py": "", "tests/test_pay.py": CASES})
    with session(root) as worker:
        report = worker.run()
        name = "tests.test_pay.TestPay.test_"
        assert outcomes(report) == {
            name + "pass": "passed",
            name + "fail": "failed",
            name + "raises": "failed",
            name + "skip": "skipped",
            name + "expected": "skipped",
            name + "parts": "failed",
            "tests.test_pay.TestBroken": "error",
        }
        assert report.exit_code == 1
        raised = next(r for r in report.results if r.id.endswith("raises"))
        assert raised.message.startswith("TypeError: unsupported operand")
        assert [(f.path, f.line) for f in raised.frames] == [
            ("tests/test_pay.py", 13),
            ("bank.py", 2),
        ]
        assert raised.path == "tests/test_pay.py"
        assert "unittest/case.py" not in raised.traceback
        for wanted in report.ids(*Outcome):
            assert [r.id for r in worker.run([wanted]).results] == [wanted]


def test_src_layout_and_tests_without_init(repository, session):
    root = repository(
        {
            "src/bank/__init__.py": BANK,
            "tests/test_pay.py": CASES,
            "tests/deep/__init__.py": "",
            "tests/deep/test_more.py": """
                import unittest
                class TestMore(unittest.TestCase):
                    def test_more(self): pass
            """,
        }
    )
    found = outcomes(session(root).run())
    assert found["test_pay.TestPay.test_pass"] == "passed"
    assert found["deep.test_more.TestMore.test_more"] == "passed"


def test_file_that_does_not_import_is_reported_with_its_frames(repository, session):
    root = repository(
        {
            "bank.py": "def pay(:\n",
            "test_pay.py": CASES,
            "test_ok.py": """
                import unittest
                class TestOk(unittest.TestCase):
                    def test_ok(self): pass
            """,
        }
    )
    with session(root) as worker:
        report = worker.run()
        assert outcomes(report) == {"test_pay.py": "error", "test_ok.TestOk.test_ok": "passed"}
        broken = next(r for r in report.results if r.id == "test_pay.py")
        assert broken.message.startswith("SyntaxError")
        assert broken.frames[-1].path == "bank.py"
        (root / "bank.py").write_text(BANK)
        assert worker.run(["test_pay.py"]).collected == 7


def test_hang_and_crash(repository, session):
    root = repository(
        {
            "test_x.py": """
                import os, unittest
                class TestX(unittest.TestCase):
                    def test_a(self): pass
                    def test_b_hang(self):
                        while True: pass
                    def test_c_crash(self): os._exit(0)
                    def test_d(self): pass
            """
        }
    )
    report = session(root).run(test_timeout=0.4)
    assert [r.outcome.value for r in report.results] == ["passed", "failed", "error", "passed"]


def test_coverage(repository, runner):
    root = repository({"bank.py": BANK, "test_pay.py": CASES})
    report = runner(root).run(coverage=True)
    passed = next(r for r in report.results if r.id.endswith("test_pass"))
    assert passed.lines["bank.py"] == (2,)
    assert report.import_lines["bank.py"] == (1,)
    assert report.imports["test_pay.py"] == ("bank.py", "test_pay.py")


def test_name_that_is_gone(repository, session):
    root = repository({"bank.py": BANK, "test_pay.py": CASES})
    report = session(root).run(["test_pay.TestPay.test_gone", "test_pay.TestPay.test_pass"])
    assert outcomes(report) == {"test_pay.TestPay.test_pass": "passed"}
    assert "test_gone" in report.problem


def test_a_method_with_dots_in_its_name_is_selected(repository, session):
    root = repository(
        {
            "test_rules.py": """\
                import unittest
                class TestRules(unittest.TestCase):
                    def test_plain(self): pass
                setattr(TestRules, "test_example-10.1", lambda self: None)
                setattr(TestRules, "test_example-10.2", lambda self: self.fail())
            """
        }
    )
    wanted = ["test_rules.TestRules.test_example-10.1", "test_rules.TestRules.test_example-10.2"]
    report = session(root).run(wanted)
    assert outcomes(report) == {wanted[0]: "passed", wanted[1]: "failed"}
    assert not report.problem
