"""JUnit XML of a run: what a CI service finds in it."""

from xml.etree import ElementTree as ET

from agent import junit
from tools.report import Outcome, TestReport, TestResult


def case(report: TestReport, number: int = 0) -> ET.Element:
    return ET.fromstring(junit.render(report, "before"))[0][number]


def one(identity: str, outcome: Outcome = Outcome.PASSED, **facts: str) -> TestReport:
    result = TestResult(id=identity, outcome=outcome, seconds=0.25, **facts)
    return TestReport(results=(result,), seconds=1.5)


def test_the_suite_counts() -> None:
    results = tuple(
        TestResult(id=f"t.py::test_{o.value}", outcome=o, message="m", traceback="t")
        for o in Outcome
    )
    root = ET.fromstring(junit.render(TestReport(results=results, seconds=2), "before"))
    assert root.tag == "testsuites"
    expected = {"name": "before", "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert root[0].attrib == {**expected, "time": "2.000"}
    assert [[child.tag for child in one] for one in root[0]] == [
        [], ["failure"], ["error"], ["skipped"]
    ]  # fmt: skip


def test_names_of_pytest_and_of_unittest() -> None:
    for identity, group, name in (
        ("tests/test_a.py::test_x", "tests.test_a", "test_x"),
        ("tests/test_a.py::TestX::test_y[a::b-1]", "tests.test_a.TestX", "test_y[a::b-1]"),
        ("tests.test_a.TestX.test_y", "tests.test_a.TestX", "test_y"),
        ("check.py", "check", "py"),
    ):
        found = case(one(identity)).attrib
        assert (found["classname"], found["name"], found["time"]) == (group, name, "0.250")


def test_hostile_text_stays_text() -> None:
    secret = "ghp_" + "a1B2" * 9
    report = one(
        "t.py::test_x]]>", Outcome.FAILED,
        message=f"\x1b[31m<x a='1'>&\x00 {secret}", traceback="]]>\ufffe\ud800</failure>",
    )  # fmt: skip
    found = case(report)[0]
    assert found.get("message", "").startswith("<x a='1'>& ")
    assert found.text == "]]></failure>"
    assert secret not in junit.render(report, "x").decode()
