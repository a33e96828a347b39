"""What other programs read of a run: report, events, SARIF, JUnit XML, patch."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from fake_engine import FakeEngine
from pydantic import BaseModel
from suite import run_suite

from agent import runner, schema
from agent.cli import main
from agent.state import Approval, Scope, Task
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

ROOT = Path(__file__).resolve().parents[3]
BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_equal():\n    assert larger(4, 4) == 4\n"
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "calc.py").write_text(BUGGY)
    (root / "test_calc.py").write_text(TESTS)
    return root


@pytest.fixture
def endpoint(
    home: Path, serve: Callable[[FakeEngine], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> Endpoint:
    served = serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    return served


def published(name: str) -> dict[str, Any]:
    found = json.loads(CliRunner().invoke(main, ["schema", name]).output)
    jsonschema.Draft202012Validator.check_schema(found)
    return dict(found)


def test_a_run_in_every_form(endpoint: Endpoint, repo: Path, tmp_path: Path) -> None:
    names = {"json": "r.json", "sarif": "r.sarif", "junit": "tests/xml", "patch": "p.patch"}
    out = {name: tmp_path / "out" / file for name, file in names.items()}
    (tmp_path / "out").mkdir()
    words = [word for name, path in out.items() for word in (f"--{name}", str(path))]
    shutil.copytree(repo, tmp_path / "copy")
    words += ["--yes", "--endpoint", endpoint.base_url]
    result = CliRunner().invoke(main, ["fix", str(repo), *words])
    assert result.exit_code == 0, result.output

    form, report = published("report"), json.loads(out["json"].read_text())
    jsonschema.validate(report, form)
    assert form["$id"] == f"urn:locum:report:{report['schema_version']}"
    for key in ("before", "items", "effort"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in report.items() if k != key}, form)

    sarif = json.loads(out["sarif"].read_text())
    (finding,) = [r for r in sarif["runs"][0]["results"] if r["ruleId"] == "failing-test"]
    region = finding["locations"][0]["physicalLocation"]["region"]
    assert region["startLine"] <= 2 <= region["endLine"]
    assert finding["fixes"]

    suites = {
        name: ET.parse(out["junit"] / f"{name}.xml").getroot() for name in ("before", "after")
    }
    assert {name: root.get("failures") for name, root in suites.items()} == {
        "before": "1", "after": "0",
    }  # fmt: skip
    (failure,) = suites["before"].iter("failure")
    assert "assert" in (failure.text or "")

    apply = ["git", "apply", "--check", "-v", str(out["patch"])]
    subprocess.run(apply, cwd=tmp_path / "copy", check=True, capture_output=True)
    subprocess.run(["git", "apply", str(out["patch"])], cwd=tmp_path / "copy", check=True)
    assert run_suite(tmp_path / "copy").returncode == 0


def test_every_event_has_the_published_form(endpoint: Endpoint, repo: Path) -> None:
    task = Task(
        path=str(repo), model="fake", endpoint=endpoint.base_url, scope=Scope.BUGS,
        approval=Approval.DRY_RUN,
    )  # fmt: skip
    validator = jsonschema.Draft202012Validator(published("event"))
    events = list(runner.start(task).events(lambda _: pytest.fail("a dry run asks nobody")))
    assert len({event.event for event in events}) > 6
    for event in events:
        validator.validate(event.model_dump(mode="json"))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"event": "unheard-of"})


def test_fields_say_what_they_mean() -> None:
    found = published("report")["$defs"]["ItemReport"]["properties"]
    assert found["agreeing"]["description"].startswith("How many of them behave like")
    assert found["subject"]["description"]
    kinds = schema.SCHEMAS["report"]()["$defs"]["Kind"]["enum"]
    assert kinds == ["bug", "duplication", "style"]


def test_a_schema_that_is_none() -> None:
    assert CliRunner().invoke(main, ["schema", "nothing"]).exit_code == 2


def test_places_that_cannot_be_written_are_told_before_the_run(
    endpoint: Endpoint, repo: Path, tmp_path: Path
) -> None:
    for option in ("--json", "--sarif", "--patch", "--summary"):
        words = ["fix", str(repo), "--yes", option, str(tmp_path / "no" / "such" / "file")]
        result = CliRunner().invoke(main, [*words, "--endpoint", endpoint.base_url])
        assert result.exit_code == 2, result.output
        assert "no folder" in result.stderr
    assert (repo / "calc.py").read_text() == BUGGY


def test_the_hooks_for_pre_commit_name_commands_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert len({hook["id"] for hook in hooks}) == len(hooks) > 0
    for hook in hooks:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        program, name, *words = shlex.split(hook["entry"])
        assert program == "agent"
        command = main.get_command(click.Context(main), name)
        assert command is not None
        command.make_context(name, words)


def test_reports_of_the_helper_have_the_form_too() -> None:
    from reports import item, report

    made: BaseModel = report(item())
    jsonschema.validate(made.model_dump(mode="json"), published("report"))
