"""The policy's files: the user's widens, the repository's narrows, and nonsense is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import BadPolicy
from tools.policy import Budgets, Policy
from tools.rules import LARGEST, REPOSITORY_FILE, Rules, check, load

USUAL = Rules(budgets=Budgets(writes=100, test_runs=50))
WIDE = """
version = "1"
unattended = "everything"
writable = ["pyproject.toml"]
record_prompts = false
[[commands]]
argv = ["mypy"]
paths = true
[budgets]
writes = 1000
"""


@pytest.fixture
def own(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text('version = "1"\n')
    monkeypatch.setenv("LOCUM_POLICY", str(file))
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def test_without_files_the_usual_rules_hold(home: Path, repository: Path) -> None:
    rules = load(USUAL, repository)
    assert rules == USUAL
    assert rules.version == "1"


def test_the_users_file_may_widen(own: Path, repository: Path) -> None:
    own.write_text(WIDE)
    rules = load(USUAL, repository)
    assert [command.argv for command in rules.commands] == [("mypy",)]
    assert rules.budgets == Budgets(writes=1000, test_runs=50)
    assert not rules.protection.covers("pyproject.toml")
    assert rules.protection.covers("sub/pyproject.toml"), "only the path that was named"
    assert (rules.unattended, rules.record_prompts) == ("everything", False)
    assert rules.version.startswith("1+")
    assert rules.version != load(Rules(), repository).version


def test_the_users_file_cannot_open_version_control(own: Path, repository: Path) -> None:
    own.write_text('version = "1"\nwritable = [".git/config"]\n')
    policy = Policy(protection=load(USUAL, repository).protection, kill_switches=())
    arguments = {"path": ".git/config", "content": ""}
    assert policy.decide("write_file", arguments, "harness", changes=True).verdict == "deny"


def test_the_repositorys_file_narrows(own: Path, repository: Path) -> None:
    own.write_text(WIDE)
    (repository / REPOSITORY_FILE).write_text(
        'version = "1"\nunattended = "nothing"\n'
        'protected = ["api.py", "vendor/", "PyProject.toml"]\n'
        'forbidden_tools = ["search_code"]\ncommands = []\n[budgets]\nwrites = 3\n'
    )
    rules = load(USUAL, repository)
    assert rules.commands == ()
    assert (rules.budgets.writes, rules.budgets.test_runs) == (3, 50)
    assert rules.unattended == "nothing"
    assert rules.forbidden_tools == {"search_code"}
    for path in ("api.py", "src/api.py", "vendor/x/y.py", "conftest.py", "pyproject.toml"):
        assert rules.protection.covers(path), path
    assert not rules.protection.covers("src/a.py"), "positive control"
    assert rules.refused == ()
    policy = Policy(forbidden=rules.forbidden_tools, kill_switches=())
    for caller, verdict in (("model", "deny"), ("harness", "allow")):
        decision = policy.decide("search_code", {"pattern": "x"}, caller, changes=False)
        assert decision.verdict == verdict


WIDENING = {
    "a command": '[[commands]]\nargv = ["sh", "-c", "id"]\n',
    "a looser command": '[[commands]]\nargv = ["ruff", "check"]\npaths = true\nwrites = true\n',
    "a budget": "[budgets]\nwrites = 101\n",
    "a file": 'writable = ["conftest.py"]\n',
    "applying": 'unattended = "everything"\n',
    "silence": "record_prompts = false\n",
    "loud": "record_prompts = true\n",
}


@pytest.mark.parametrize("name", WIDENING)
def test_the_repositorys_file_widens_nothing_and_is_told(
    own: Path, repository: Path, name: str
) -> None:
    text = f'version = "1"\n{WIDENING[name]}'
    (repository / REPOSITORY_FILE).write_text(text)
    rules = load(USUAL, repository)
    assert len(rules.refused) == 1
    assert set(rules.commands) <= set(USUAL.commands)
    assert rules.budgets == USUAL.budgets
    assert rules.protection == USUAL.protection
    assert (rules.unattended, rules.record_prompts) == ("source", True)
    (repository / REPOSITORY_FILE).unlink()
    own.write_text(text)
    widened = load(USUAL, repository)
    changed = {key for key in widened.shown() if widened.shown()[key] != USUAL.shown()[key]}
    assert changed - {"sources"} or name == "loud", "positive control: the user's own word counts"


NONSENSE = {
    "no version": "unattended = 'nothing'\n",
    "another version": 'version = "2"\n',
    "a number as version": "version = 1\n",
    "an unknown key": 'version = "1"\nallow_everything = true\n',
    "an unknown budget": 'version = "1"\n[budgets]\nmoney = 1\n',
    "a negative budget": 'version = "1"\n[budgets]\nwrites = -1\n',
    "a text for a number": 'version = "1"\n[budgets]\nwrites = "9"\n',
    "an empty command": 'version = "1"\n[[commands]]\nargv = []\n',
    "a shell line": 'version = "1"\n[[commands]]\nargv = "rm -rf /"\n',
    "no TOML": "{",
    "no text": b"\xff\xfe\x00",
    "deep": 'version = "1"\nx = ' + "[" * 5000 + "]" * 5000,
    "too large": 'version = "1"\n#' + "x" * LARGEST,
}


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("whose", ["user", "repository"])
def test_what_is_no_policy_is_refused_in_one_sentence(
    own: Path, repository: Path, name: str, whose: str
) -> None:
    file = own if whose == "user" else repository / REPOSITORY_FILE
    text = NONSENSE[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadPolicy) as caught:
        load(USUAL, repository)
    said = str(caught.value)
    assert str(file) in said
    assert "\n" not in said
    assert len(said) < 500


def test_what_is_no_file_is_no_policy(own: Path, repository: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret = 1\n")
    (repository / REPOSITORY_FILE).symlink_to(secret)
    with pytest.raises(BadPolicy) as caught:
        load(USUAL, repository)
    assert "the-secret" not in str(caught.value)
    (repository / REPOSITORY_FILE).unlink()
    (repository / REPOSITORY_FILE).mkdir()
    with pytest.raises(BadPolicy):
        load(USUAL, repository)


def test_a_missing_file_that_was_named_is_told(own: Path, repository: Path) -> None:
    own.unlink()
    with pytest.raises(BadPolicy, match="does not exist"):
        load(USUAL, repository)
    with pytest.raises(BadPolicy, match="cannot be read"):
        check(own)
