"""A run of tests as JUnit XML, as CI services read it.

Form: testsuites, testsuite, testcase with failure, error or skipped inside, as Jenkins and the
`junit` reports of GitLab document it.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tools.redaction import redact
from tools.report import Outcome, TestReport, TestResult
from tools.text import one_line, strip_control

_TAGS = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}


def render(report: TestReport, name: str) -> bytes:
    """The report as one suite called `name`; secrets and control sequences are left out."""
    counts = {outcome: str(len(report.ids(outcome))) for outcome in Outcome}
    facts = {
        "name": name,
        "tests": str(len(report.results)),
        "failures": counts[Outcome.FAILED],
        "errors": counts[Outcome.ERROR],
        "skipped": counts[Outcome.SKIPPED],
        "time": f"{report.seconds:.3f}",
    }
    root = ET.Element("testsuites", facts)
    suite = ET.SubElement(root, "testsuite", facts)
    for result in report.results:
        _case(suite, result)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ET.Element, result: TestResult) -> None:
    group, name = _names(result)
    facts = {"classname": group, "name": name, "time": f"{result.seconds:.3f}"}
    if result.path:
        facts["file"] = _clean(result.path)
    case = ET.SubElement(suite, "testcase", facts)
    tag = _TAGS.get(result.outcome)
    if tag is not None:
        told = ET.SubElement(case, tag, {"message": one_line(redact(result.message), 400)})
        told.text = _clean(redact(result.traceback))


def _names(result: TestResult) -> tuple[str, str]:
    """The group and the name that a test's id consists of."""
    identity = _clean(result.id)
    path, colons, rest = identity.partition("::")
    if colons:
        # Parameters may hold colons of their own.
        plain, bracket, parameters = rest.partition("[")
        *groups, name = plain.split("::")
        module = path.removesuffix(".py").replace("/", ".")
        return ".".join([module, *groups]), name + bracket + parameters
    group, _, name = identity.rpartition(".")
    return group, name


def _clean(text: str) -> str:
    """What XML can hold: two more characters than control ones are forbidden in it."""
    return strip_control(text).replace("\ufffe", "").replace("\uffff", "")
