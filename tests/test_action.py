"""The GitHub Action and the GitLab example: their form, and the Action's steps really run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from fake_engine import FakeEngine

from agent.cli.fix import fix
from runtime.client import Endpoint

ROOT = Path(__file__).resolve().parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GITLAB = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())
BUGGY = "def larger(a, b):\n    return a if a < b else b\n"
TESTS = (
    "from calc import larger\n\n\n"
    "def test_first():\n    assert larger(3, 2) == 3\n\n\n"
    "def test_second():\n    assert larger(5, 9) == 9\n"
)


def vendored(name: str) -> dict[str, Any]:
    """A schema of schemastore.org, as the linter check-jsonschema carries it."""
    folder = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return dict(json.loads((folder / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("schema", "file"), [("github-actions", "action.yml"), ("gitlab-ci", "docs/ci/gitlab.yml")]
)
def test_the_form_is_that_of_the_service(schema: str, file: str) -> None:
    found = vendored(schema)
    validator = jsonschema.validators.validator_for(found)(found)
    loaded = yaml.safe_load((ROOT / file).read_text())
    validator.validate(loaded)
    key = "runs" if "runs" in loaded else "stages"
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**loaded, key: 7})


def shown(page: str) -> list[Any]:
    """The YAML that a page shows."""
    found = re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block) for block in found]


def test_the_workflow_that_is_shown_is_one_and_uses_what_the_action_has() -> None:
    found = vendored("github-workflows")
    validator = jsonschema.validators.validator_for(found)(found)
    (workflow,) = [one for one in shown("docs/how-to/ci.md") if "jobs" in one]
    validator.validate({"on": "push", **workflow})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"on": "push", "jobs": {"test": {"steps": "none"}}})
    (steps,) = [one for one in shown("README.md") if isinstance(one, list)]
    ours = [
        step
        for step in [*workflow["jobs"]["test"]["steps"], *steps]
        if step.get("uses", "").startswith("OWNER/locum@")
    ]
    assert len(ours) == 2
    for step in ours:
        assert step["with"].keys() <= ACTION["inputs"].keys()


def test_the_hooks_that_are_shown_exist() -> None:
    (used,) = [one["repos"][0] for one in shown("docs/how-to/ci.md") if "repos" in one]
    known = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in used["hooks"]} == {hook["id"] for hook in known}


def test_no_input_is_pasted_into_a_script() -> None:
    """An expression inside a script is code of whoever names a branch."""
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 5
    assert not any("${{" in script for script in scripts)


def test_what_is_used_is_declared() -> None:
    text = (ROOT / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    ids = [step["id"] for step in STEPS if "id" in step]
    assert set(re.findall(r"steps\.([\w-]+)\.", text)) <= set(ids)


def test_the_options_exist() -> None:
    known = {option for param in fix.params for option in param.opts}
    scripts = [step["run"] for step in STEPS if "run" in step] + GITLAB["mend"]["script"]
    (ours, theirs) = [s for s in scripts if '/agent" fix' in s or "/agent fix" in s]
    for script in (ours, theirs):
        used = set(re.findall(r"(?<=[\s(=])--[a-z-]+", script.partition(" fix ")[2]))
        assert used
        assert used <= known


class Runner:
    """As much of a runner as the Action needs: expressions, outputs, scripts."""

    def __init__(self, root: Path, checkout: Path, inputs: Mapping[str, str]) -> None:
        self.checkout = checkout
        self.temp = root / "temp"
        self.temp.mkdir()
        action = root / "action"
        shutil.copytree(ROOT / "scripts", action / "scripts")
        shutil.copy(ROOT / "requirements.lock", action)
        # What `make setup` would make takes minutes; it is there already.
        (action / "Makefile").write_text("setup:\n\t@test -x .venv/bin/agent\n")
        binaries = action / ".venv" / "bin"
        binaries.mkdir(parents=True)
        agent = f'#!/bin/sh\nexec "{sys.executable}" -P -m agent "$@"\n'
        (binaries / "agent").write_text(agent)
        (binaries / "agent").chmod(0o755)
        defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        self.facts = {f"inputs.{name}": text for name, text in {**defaults, **inputs}.items()}
        self.facts |= {"github.action_path": str(action), "github.token": "t",
                       "github.run_id": "7", "github.run_attempt": "1"}  # fmt: skip
        self.summary = root / "summary.md"
        self.log = ""

    def value(self, text: str) -> str:
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda m: self.facts.get(m[1], ""), text)

    def run(self, more: Mapping[str, str]) -> int:
        for step in STEPS:
            if "run" not in step or ("if" in step and self.facts["inputs.fail"] != "true"):
                continue
            output = self.temp / "output"
            output.write_text("")
            given = {name: self.value(str(text)) for name, text in step.get("env", {}).items()}
            own = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.summary),
                   "RUNNER_TEMP": str(self.temp), "PYTHONPATH": str(ROOT)}  # fmt: skip
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.checkout, env={**os.environ, **own, **given, **more}, capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            self.log += done.stdout
            self._keep(step.get("id", ""), output.read_text())
            if done.returncode:
                self.log += done.stderr
                return done.returncode
        return 0

    def _keep(self, step: str, text: str) -> None:
        lines = iter(text.splitlines())
        for line in lines:
            name, plain, value = line.partition("=")
            if not plain:
                name, _, end = line.partition("<<")
                value = "\n".join(iter(lines.__next__, end))
            self.facts[f"steps.{step}.outputs.{name}"] = value

    @property
    def outputs(self) -> dict[str, str]:
        return {name: self.value(one["value"]) for name, one in ACTION["outputs"].items()}


@pytest.fixture
def checkout(tmp_path: Path, git_identity: None) -> Path:
    root = tmp_path / "checkout"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "calc.py").write_text(BUGGY)
    (root / "pkg" / "test_calc.py").write_text(TESTS)
    for words in (["init", "-qb", "trunk"], ["add", "."], ["commit", "-qm", "start"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


@pytest.fixture
def served(home: Path, serve: Callable[[FakeEngine], Endpoint]) -> Endpoint:
    return serve(FakeEngine(replies=("calc.py:2: the comparison is the wrong way round",)))


def test_its_steps_mend_and_tell(checkout: Path, tmp_path: Path, served: Endpoint) -> None:
    inputs = {"path": "pkg", "endpoint": served.base_url, "budget": "2m"}
    runner = Runner(tmp_path, checkout, inputs)
    status = runner.run(
        {"LOCUM_TOKEN": served.token, "PATH": f"{fake_tools(tmp_path)}:{os.environ['PATH']}"}
    )
    assert status == 3, runner.log
    found = runner.outputs
    assert found["fixed"] == "true"
    assert (found["tests-before"], found["tests-after"]) == ("0 of 2", "2 of 2")
    assert found["exit-status"] == "3"
    assert json.loads(Path(found["report"]).read_text())["goal"] == "fix"
    assert json.loads(Path(found["sarif"]).read_text())["version"] == "2.1.0"
    assert "::notice file=pkg/calc.py,line=2,endLine=2,title=locum%3A Mended::" in runner.log
    assert runner.summary.read_text().startswith("# Fix larger in calc.py")
    assert (checkout / "pkg/calc.py").read_text() == BUGGY
    subprocess.run(["git", "apply", "--directory=pkg", found["patch"]], cwd=checkout, check=True)
    assert (checkout / "pkg/calc.py").read_text() != BUGGY
    silenced = re.search(r"::stop-commands::(\w{32})\n.*\n::\1::\n", runner.log, re.DOTALL)
    assert silenced, "what the run says must not be read as commands"


def test_its_steps_open_a_pull_request(checkout: Path, tmp_path: Path, served: Endpoint) -> None:
    inputs = {"path": "pkg", "endpoint": served.base_url, "pr": "true", "budget": "2m"}
    bare = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    address = "https://forge.example/a/b"
    subprocess.run(["git", "remote", "add", "origin", address], cwd=checkout, check=True)
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "{bare}"]\n\tinsteadOf = {address}\n')
    runner = Runner(tmp_path, checkout, inputs)
    status = runner.run(
        {
            "LOCUM_TOKEN": served.token,
            "GIT_CONFIG_GLOBAL": str(settings),
            "PATH": f"{fake_tools(tmp_path)}:{os.environ['PATH']}",
        }
    )
    assert status == 0, runner.log
    assert runner.outputs["branch"] == "locum/fix-7-1"
    listed = subprocess.run(["git", "branch", "--list"], cwd=bare, capture_output=True, text=True)
    assert "locum/fix-7-1" in listed.stdout
    said = (tmp_path / "gh.log").read_text()
    assert "auth setup-git\n" in said
    assert "pr create --repo forge.example/a/b --head locum/fix-7-1" in said


def test_a_repository_that_cannot_be_used_fails_the_step(
    checkout: Path, tmp_path: Path, served: Endpoint
) -> None:
    runner = Runner(tmp_path, checkout, {"path": "nowhere", "endpoint": served.base_url})
    path = f"{fake_tools(tmp_path)}:{os.environ['PATH']}"
    assert runner.run({"LOCUM_TOKEN": served.token, "PATH": path}) == 2, runner.log
    assert runner.outputs["report"] == ""


def fake_tools(root: Path) -> Path:
    """A forge's program that notes what it is asked, and no installer."""
    folder = root / "tools"
    folder.mkdir()
    (folder / "gh").write_text(f'#!/bin/sh\necho "$*" >> "{root}/gh.log"\necho https://pr/1\n')
    (folder / "bwrap").symlink_to(shutil.which("bwrap") or "/bin/true")
    (folder / "gh").chmod(0o755)
    return folder
