"""`agent serve`, as a process of its own, with the smallest real model."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from agent.cli import main

ModelFile = Callable[[str], Path]
ENTRY = [sys.executable, "-c", "from agent.cli import main; main()", "serve"]


@pytest.fixture
def small(model_file: ModelFile) -> list[str]:
    return ["--model", str(model_file("smollm2-135m")), "--context", "512"]


@pytest.fixture
def server(small: list[str], tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    # Started among files that would get in the way if the working directory were searched.
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "__init__.py").write_text("raise SystemExit('wrong package')")
    with subprocess.Popen(
        [*ENTRY[:1], "-P", *ENTRY[1:], *small, "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def address(server: "subprocess.Popen[str]") -> tuple[str, str]:
    """URL and token out of what the command prints for people."""
    assert server.stdout is not None
    text = server.stdout.readline() + server.stdout.readline()
    found = re.search(r"OPENAI_BASE_URL=(\S+) OPENAI_API_KEY=(\S+)", text)
    assert found, text
    return found[1], found[2]


@pytest.mark.slow
def test_it_serves_whoever_has_the_token_until_it_is_interrupted(
    server: "subprocess.Popen[str]",
) -> None:
    url, token = address(server)
    assert httpx.get(f"{url}/models").status_code == 401
    models = httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {token}"})
    assert "smollm2" in json.dumps(models.json())
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0


def test_a_taken_port_is_one_sentence(small: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["serve", *small, "--port", port])
    assert result.exit_code == 4
    assert f"Port {port} cannot be used" in result.stderr
    assert "--port 0" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org"])
def test_it_listens_to_this_machine_only(host: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--host", host])
    assert result.exit_code == 2
    assert "127.0.0.1" in result.stderr


def test_a_missing_model_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_CACHE", str(tmp_path))
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 4
    assert "agent model pull" in result.stderr


def test_too_little_memory_is_one_sentence(
    small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.hardware.memory_available", lambda: 10_000_000)
    result = CliRunner().invoke(main, ["serve", *small])
    assert result.exit_code == 4
    assert "GB are free" in result.stderr
