"""Commands of any kind: exit status and JUnit XML."""

from __future__ import annotations

import pytest

from tools.report import Outcome
from tools.testing.junit import SIZE_LIMIT, named_files, read_results

REPORT = """<?xml version="1.0"?>
<testsuites><testsuite name="s" tests="4">
  <testcase classname="a.B" name="ok" time="0.25" file="a.py"/>
  <testcase classname="a.B" name="bad"><failure message="1 != 2">trace\x09here</failure></testcase>
  <testcase classname="a.B" name="worse"><error message="boom"/></testcase>
  <testcase name="later"><skipped/></testcase>
</testsuite></testsuites>"""


def test_exit_status_decides(repository, runner):
    root = repository({"good.sh": "echo fine\n", "bad.sh": "echo reason >&2; exit 3\n"})
    good = runner(root, "sh good.sh").run()
    assert good.green
    assert good.results[0].id == "sh good.sh"
    bad = runner(root, "sh bad.sh").run()
    assert (bad.exit_code, bad.failing[0].message) == (3, "reason")


def test_no_shell_is_involved(repository, runner):
    root = repository({})
    report = runner(root, "echo a; touch made && touch made2 $(touch made3)").run()
    assert report.green
    assert not list(root.iterdir())


def test_new_junit_file_gives_single_results(repository, runner):
    root = repository({"old.xml": REPORT.replace("ok", "old"), "text": REPORT})
    one = runner(root, "cp text new.xml")
    report = one.run()
    assert {r.id: r.outcome for r in report.results} == {
        "a.B::ok": Outcome.PASSED,
        "a.B::bad": Outcome.FAILED,
        "a.B::worse": Outcome.ERROR,
        "later": Outcome.SKIPPED,
    }
    assert report.results[0].seconds == 0.25
    assert report.results[0].path == "a.py"
    assert report.results[1].message == "1 != 2"
    with one.session() as session:
        assert session.run(["a.B::bad"]).ids(*Outcome) == ("a.B::bad",)


def test_command_that_hangs(repository, runner):
    report = runner(repository({}), "sleep 60").run(timeout=0.5)
    assert report.timed_out
    assert not report.green
    assert report.problem


def test_command_that_does_not_exist(repository, runner):
    from tools.errors import ToolsError

    root = repository({})
    try:
        report = runner(root, "no-such-program-anywhere").run()
    except ToolsError:
        return
    assert not report.green


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (["x", "--junitxml=a.xml"], ("a.xml",)),
        (["x", "--junit-xml", "b.xml"], ("b.xml",)),
        (["x", "--junitxml"], ()),
    ],
)
def test_files_named_by_options(text, names):
    assert named_files(text) == names


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="x">&a;</testcase></testsuite>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<testsuite>", "", "<html/>", "\x00\xff"])
def test_files_that_are_no_reports_give_nothing(tmp_path, text):
    (tmp_path / "x.xml").write_text(text, encoding="latin-1")
    assert read_results(tmp_path, {}, []) == ()
    (tmp_path / "x.xml").write_text(REPORT)
    assert len(read_results(tmp_path, {}, [])) == 4


def test_links_and_huge_files_are_not_read(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.xml").write_text(REPORT)
    (root / "link.xml").symlink_to(tmp_path / "secret.xml")
    with (root / "huge.xml").open("wb") as file:
        file.write(b"<testsuite>")
        file.truncate(SIZE_LIMIT + 1)
    assert read_results(root, {}, ["link.xml", "../secret.xml", "/etc/hostname"]) == ()
