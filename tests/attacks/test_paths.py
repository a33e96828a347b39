"""Names that try to lead out of the workspace, through every tool that takes a path.

Each stands beside a harmless name of the same shape, which must work; where a naive `open` would
follow the attack, that is shown first.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from field import SECRET, Field


@dataclass(frozen=True)
class Name:
    """`{up}` is the relative way to the outside, `{outside}` the absolute one."""

    attack: str
    control: str = "src/a.py"
    naive: bool = False
    """A program that opened the name as it is would get out."""


NAMES = {
    "up": Name("{up}/secret", naive=True),
    "up behind a dot": Name("./{up}/secret", "./src/a.py", naive=True),
    "down and up": Name("src/../{up}/secret", naive=True),
    "doubled slashes": Name("src//..//{up}//secret", "src//a.py", naive=True),
    "dots between": Name("src/./.././{up}/./secret", "src/./a.py", naive=True),
    "through a missing folder": Name("gone/../{up}/secret"),
    "up to the root": Name("{roots}{outside}/secret", naive=True),
    "absolute": Name("{outside}/secret", naive=True),
    "absolute, doubled slash": Name("/{outside}/secret", naive=True),
    "prefix twin": Name("../{name}-evil/secret", naive=True),
    "prefix twin, absolute": Name("{root}-evil/secret", naive=True),
    "own root, absolute": Name("{root}/src/a.py"),
    "/proc/self/root": Name("/proc/self/root{outside}/secret", naive=True),
    "/proc/self/root, relative": Name("{roots}/proc/self/root{outside}/secret", naive=True),
    "/proc/thread-self/root": Name("/proc/thread-self/root{outside}/secret", naive=True),
    "/proc/self/fd": Name("/proc/self/fd/{fd}", naive=True),
    "/dev/fd": Name("/dev/fd/{fd}", naive=True),
    "/proc/self/environ": Name("/proc/self/environ"),
    "environment by climbing": Name("{roots}/proc/self/environ"),
    "a device": Name("/dev/zero"),
    "home": Name("~/secret"),
    "somebody's home": Name("~root/.ssh/id_rsa"),
    "a variable": Name("$HOME/secret"),
    "a braced variable": Name("${{HOME}}/secret"),
    "a Windows variable": Name("%USERPROFILE%\\secret"),
    "a URL": Name("file://{outside}/secret"),
    "backslashes": Name("..\\..\\..\\outside\\secret"),
    "a drive": Name("C:\\Windows\\win.ini"),
    "a share": Name("\\\\server\\share\\secret"),
    "percent encoding": Name("%2e%2e/%2e%2e/%2e%2e/outside/secret"),
    "double percent encoding": Name("%252e%252e%252f%252e%252e%252foutside/secret"),
    "overlong encoding": Name("..%c0%af..%c0%afoutside/secret"),
    "stripped once": Name("....//....//....//outside/secret"),
    "path parameter": Name("..;/..;/..;/outside/secret"),
    "fullwidth dots": Name("．．/．．/．．/outside/secret", "tüte.txt"),
    "two dot leader": Name("‥/‥/‥/outside/secret", "tüte.txt"),
    "one dot leaders": Name("․․/․․/․․/outside/secret", "tüte.txt"),
    "division slash": Name("..∕..∕..∕outside∕secret", "tüte.txt"),
    "zero width space": Name(".\u200b./.\u200b./.\u200b./outside/secret"),
    "right-to-left override": Name("\u202e/../{up}/secret"),
    "decomposed letters": Name("tu\u0308te.txt", "tüte.txt"),
    "upper case": Name("SRC/A.PY"),
    "NUL": Name("src/a.py\0/../{up}/secret"),
    "NUL at the end": Name("src/a.py\0.txt"),
    "newline": Name("src/a.py\n{up}/secret"),
    "carriage return": Name("{up}/secret\r"),
    "escape sequence": Name("\x1b[2J{up}/secret"),
    "delete character": Name("src/\x7f/../{up}/secret"),
    "lone surrogate": Name("\udcff/../{up}/secret"),
    "leading space": Name(" {up}/secret"),
    "trailing space": Name("{up}/secret "),
    "a component too long": Name("x" * 5_000),
    "a path too long": Name("a/" * 2_500 + "b"),
    "deep": Name("a/" * 1_900 + "b"),
    "a thousand times up": Name("../" * 1_000 + "{outside}/secret"),
    "enormous": Name("x" * 1_000_000),
    "a stream of a file": Name("src/a.py::$DATA"),
    "a file as a folder": Name("src/a.py/../{up}/secret"),
    "an option": Name("--config={outside}/secret"),
    "a response file": Name("@{outside}/secret"),
}
CALLS: dict[str, dict[str, Any]] = {
    "read_file": {},
    "list_files": {"depth": 20},
    "search_code": {"pattern": "secret"},
    "write_file": {"content": "planted"},
    "run_command": {},
    "lint": {},
}


def filled(text: str, field: Field, descriptor: int) -> str:
    if "{" not in text:
        return text
    depth = len(field.root.parts)
    return text.format(
        up="../../../outside",
        roots="/".join([".."] * depth),
        outside=field.outside,
        root=field.root,
        name=field.root.name,
        fd=descriptor,
    )


def made(tool: str, path: str) -> dict[str, Any]:
    if tool == "run_command":
        return {"argv": ["ruff", "check", path]}
    return {"paths": [path]} if tool == "lint" else {"path": path, **CALLS[tool]}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out(
    field: Field, secret_descriptor: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = NAMES[name]
    attack = filled(case.attack, field, secret_descriptor)
    monkeypatch.setenv("HOME", str(field.outside))
    if case.naive:
        assert Path(f"{field.root}/{attack}" if attack[0] != "/" else attack).read_text() == SECRET
    for tool in CALLS:
        arguments = made(tool, attack)
        caller = "harness" if tool == "lint" else "model"
        result = field.gateway.call(tool, arguments, caller=caller)
        said = result.content.replace(attack, "")
        assert SECRET not in said, tool
        assert "HOME=" not in said, tool
        assert len(result.content) < 20_000
        if case.naive:
            assert not result.ok, tool
            assert result.decision.verdict in ("deny", "allow")
    assert field.untouched()
    for written in field.workspace.changed():
        assert (field.root / written).resolve().is_relative_to(field.root)


@pytest.mark.parametrize("control", sorted({case.control for case in NAMES.values()}))
def test_the_harmless_twins_work(field: Field, control: str) -> None:
    inside = (field.root / control).read_text()
    assert field.call("read_file", path=control).content == inside
    assert field.call("write_file", path=control, content="new\n").ok
    assert (field.root / control).read_text() == "new\n"
    assert field.call("search_code", pattern="new", path=control).content.endswith("new")
    assert field.untouched()


PROTECTED = (
    *(".git/hooks/pre-commit", ".git/config", ".GIT/config", ".Git./config", "git~1/config"),
    *("sub/.git/config", ".g\u200bit/config", ".ｇｉｔ/config", ".git /config", ".hg/hgrc"),
    *(".github/workflows/x.yml", ".GitHub/workflows/x.yml", ".gitmodules", "a/.gitattributes"),
    *("conftest.py", "CONFTEST.PY", "src/conftest.py", "pyproject.toml", "PyProject.toml"),
    *("pytest.ini", "tox.ini", "setup.cfg", "setup.py", "sitecustomize.py", "evil.pth"),
    *("package.json", "jest.config.js", "Makefile", ".envrc", ".env", ".env.production"),
    *(".vscode/tasks.json", ".idea/x.xml", ".claude/settings.json", ".cursor/rules", "AGENTS.md"),
    *(".pre-commit-config.yaml", ".gitlab-ci.yml", "Jenkinsfile", ".venv/bin/python", "Dockerfile"),
    *(".ssh/authorized_keys", ".netrc", ".npmrc", "con\u0301ftest.py\u200b".replace("\u0301", "")),
)  # fmt: skip


@pytest.mark.parametrize("path", PROTECTED)
def test_protected_files_wait_for_a_person(field: Field, path: str) -> None:
    """Also when the file is not there at first, and whatever folder it lies in."""
    result = field.call("write_file", path=path, content="planted")
    assert not result.ok
    assert result.decision.rule in ("write.protected", "write.version-control")
    assert not (field.root / path).exists()
    twin = f"ordinary/{len(path)}.py"
    assert field.call("write_file", path=twin, content="x\n").ok
    assert set(field.workspace.changed()) == {twin}


def test_case_folding_file_systems_get_no_twin(field: Field) -> None:
    """A name that differs by case alone must not reach the file on a disk that folds case."""
    assert not field.call("read_file", path="SRC/A.PY").ok
    shutil.copy(field.root / "src/a.py", field.root / "src/A.PY")
    assert field.call("read_file", path="src/A.PY").ok
