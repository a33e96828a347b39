"""Commands, arguments and environments that try to make the engine start something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from field import Field

from tools.sandbox import Sandbox

CONTROL = ["ruff", "check", "src/a.py"]
TOUCH = "touch {fired}"
UNLISTED: dict[str, list[str]] = {
    "semicolon": ["ruff", "check;", "touch", "{fired}"],
    "and": ["ruff", "check", "&&", "touch", "{fired}"],
    "shell": ["sh", "-c", TOUCH],
    "shell by env": ["env", "sh", "-c", TOUCH],
    "shell by busybox": ["busybox", "sh", "-c", TOUCH],
    "path prefix": ["PATH=.", "ruff", "check"],
    "own directory": ["./ruff", "check"],
    "absolute program": ["/usr/bin/touch", "{fired}"],
    "climbing program": ["../../../bin/touch", "{fired}"],
    "one word": ["ruff check src/a.py"],
    "case": ["RUFF", "check", "src/a.py"],
    "homoglyph": ["ruff", "сheck", "src/a.py"],
    "trailing space": ["ruff ", "check", "src/a.py"],
    "empty word": ["", "ruff", "check"],
    "newline": ["ruff\ntouch {fired}", "check"],
    "find -exec": ["find", ".", "-exec", "touch", "{fired}", ";"],
    "xargs": ["xargs", "-I{{}}", "touch", "{fired}"],
    "git with a setting": ["git", "-c", "core.fsmonitor=touch {fired}", "status"],
    "git in another directory": ["git", "-C", "{outside}", "status"],
    "git with a pager": ["git", "--paginate", "log"],
    "tar checkpoint": ["tar", "cf", "/dev/null", "--checkpoint-action=exec=touch {fired}", "."],
    "python -c": ["python", "-c", "open('{fired}', 'w')"],
    "python with a longer -c": ["python", "-c", "print('ran')", "; open('{fired}', 'w')"],
    "python -m": ["python", "-m", "http.server"],
    "pytest plugin": ["pytest", "-p", "evil"],
    "pytest rootdir": ["pytest", "--rootdir", "{outside}"],
    "pytest configuration": ["pytest", "-c", "evil.ini"],
    "npm script": ["npm", "test"],
    "make": ["make", "test"],
    "pip": ["pip", "install", "evil"],
    "curl": ["curl", "http://127.0.0.1/"],
    "ssh option": ["ssh", "-oProxyCommand=touch {fired}", "x"],
    "no subcommand": ["ruff"],
    "other subcommand": ["ruff", "server"],
    "fixing": ["ruff", "check", "--fix", "src/a.py"],
    "fixing, unsafe": ["ruff", "check", "--unsafe-fixes", "--fix"],
    "other configuration": ["ruff", "check", "--config={outside}/ruff.toml"],
    "configuration in line": ["ruff", "check", "--config", "fix=true"],
    "output file": ["ruff", "check", "--output-file={fired}", "src/a.py"],
    "cache directory": ["ruff", "check", "--cache-dir={outside}", "src/a.py"],
    "standard input name": ["ruff", "check", "--stdin-filename", "x", "-"],
    "response file": ["ruff", "check", "@evil.txt"],
    "option behind a dash": ["ruff", "check", "--", "--fix"],
    "formatting": ["ruff", "format", "src/a.py"],
    "outside": ["ruff", "check", "{outside}"],
    "outside by climbing": ["ruff", "check", "../../../outside"],
    "home": ["ruff", "check", "~"],
}
STRANGE_PATHS = (
    *("src/a.py;touch {fired}", "src/a.py && touch {fired}", "src/a.py|touch {fired}"),
    *("$(touch {fired})", "`touch {fired}`", "${{IFS}}touch${{IFS}}{fired}", "*", "sr?", "[a-z]*"),
    *("'", '"', "\\n", "src/a.py #", "src/a.py>{name}", "~", "$$", "src/a.py&"),
)


@pytest.fixture
def fired(field: Field) -> Path:
    (field.root / "evil.txt").write_text("--fix\n")
    (field.root / "ruff").write_text(f"#!/bin/sh\ntouch {field.root}/fired\n")
    (field.root / "ruff").chmod(0o755)
    return field.root / "fired"


def filled(words: list[str], field: Field, fired: Path) -> list[str]:
    return [word.format(fired=fired, outside=field.outside, name="fired") for word in words]


def check_control(field: Field) -> None:
    done = field.call("run_command", argv=CONTROL)
    assert "F401" in done.content
    assert done.decision.verdict == "allow"


@pytest.mark.parametrize("name", UNLISTED)
def test_only_listed_vectors_start(field: Field, fired: Path, name: str) -> None:
    before = (field.root / "src/a.py").read_text()
    result = field.call("run_command", argv=filled(UNLISTED[name], field, fired))
    assert result.decision.verdict == "deny"
    assert result.decision.rule in ("command.unlisted", "arguments.schema")
    assert not fired.exists()
    assert (field.root / "src/a.py").read_text() == before
    assert field.untouched()
    check_control(field)


@pytest.mark.parametrize("argument", STRANGE_PATHS)
def test_metacharacters_are_names(field: Field, fired: Path, argument: str) -> None:
    (path,) = filled([argument], field, fired)
    result = field.call("run_command", argv=["ruff", "check", path])
    assert "F401" not in result.content, "nothing expands"
    assert not fired.exists()
    shown = subprocess.run(
        f"echo {path}", shell=True, cwd=field.root, capture_output=True, text=True, check=False
    )
    assert shown.stdout != f"{path}\n", "positive control: a shell does something with it"
    check_control(field)


@pytest.mark.parametrize("count", [201, 10_000])
def test_too_many_arguments_are_refused(field: Field, count: int) -> None:
    argv = ["ruff", "check", *["src/a.py"] * (count - 2)]
    assert field.call("run_command", argv=argv).decision.rule == "arguments.schema"
    assert field.call("run_command", argv=argv[:200]).decision.verdict == "allow"


def test_the_model_cannot_start_tests_or_lint_fixes(field: Field) -> None:
    for tool in ("lint", "run_tests", "apply", "approve", "undo", "fetch"):
        assert field.call(tool).decision.rule == "tool.unknown"
    check_control(field)


def test_a_path_is_never_read_as_a_list_of_arguments(field: Field) -> None:
    """ruff takes `@file` for more arguments, even behind `--`."""
    (field.root / "list").write_text("src/a.py\n")
    for paths in (["@list"], ["src/../@list"]):
        asked = field.gateway.call("lint", {"paths": paths})
        assert "F401" not in asked.content, "it is a file that does not exist"
    found = field.gateway.call("lint", {"paths": ["src/a.py"]}).data
    assert {one.path for one in found} == {"src/a.py"}, "positive control"
    ruff = next(Path(sys.prefix, "bin").glob("ruff"))
    tricked = subprocess.run(
        [ruff, "check", "--no-cache", "--", "@list"], cwd=field.root, capture_output=True
    )
    assert b"F401" in tricked.stdout, "positive control: unprefixed, it is"


VARIABLES = (
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME"),
    *("PYTHONINSPECT", "PYTHONBREAKPOINT", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"),
    *("LD_AUDIT", "NODE_OPTIONS", "GIT_DIR", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "PERL5OPT"),
    *("RUBYOPT", "JAVA_TOOL_OPTIONS", "SSH_AUTH_SOCK", "DOCKER_HOST", "http_proxy", "HTTPS_PROXY"),
    *("AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "GITHUB_TOKEN", "LOCUM_TOKEN", "DISPLAY", "TERM"),
    *("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "RUFF_CONFIG", "COVERAGE_PROCESS_START"),
)  # fmt: skip


def test_no_variable_of_ours_reaches_the_code(
    confined: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control is a child that inherits: it sees every one."""
    values = {name: f"value-of-{name}" for name in VARIABLES}
    code = (
        "import os, pathlib\n"
        "print(*os.environ.values())\n"
        "for pid in ('self', *range(1, 40000)):\n"
        "    try: print(pathlib.Path(f'/proc/{pid}/environ').read_bytes())\n"
        "    except OSError: pass\n"
    )
    with monkeypatch.context() as patched:
        for name, value in values.items():
            patched.setenv(name, value)
        command = [sys.executable, "-I", "-S", "-c", code]
        done = confined.run(command, cwd=tmp_path, timeout=60, writable=[tmp_path])
        harmless = {"TERM", "HTTPS_PROXY", "LOCUM_TOKEN", "GITHUB_TOKEN", "PYTHONPATH"}
        inherited = subprocess.run(
            command,
            env={name: values[name] for name in harmless} | {"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
        )
    assert done.returncode == 0, done.stderr
    leaked = [name for name, value in values.items() if value.encode() in done.stdout]
    assert leaked == []
    assert all(values[name].encode() in inherited.stdout for name in harmless)


@pytest.mark.parametrize("name", VARIABLES)
def test_each_variable_alone_leaves_a_command_as_it_is(
    field: Field, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also for programs of ours that run outside of any sandbox: the regex search."""
    (field.root / "pattern.txt").write_text("needle\n")
    monkeypatch.setenv(name, "/nonexistent/evil")
    found = field.call("search_code", pattern="need.e", regex=True)
    assert found.content == "pattern.txt:1: needle"
    check_control(field)
