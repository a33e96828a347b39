"""`agent proxy`, as a process of its own, and `agent doctor --upstream`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from quirky_upstream import Script, running

from agent.cli import main

ENTRY = [sys.executable, "-P", "-c", "from agent.cli import main; main()", "proxy", "--port", "0"]


@pytest.fixture
def upstream() -> Iterator[str]:
    """One that cannot stream."""
    script = Script(streams=False, more={"/v1/models": {"data": [{"id": "m"}]}})
    with contextmanager(running)(script.app()) as url:
        yield url


def test_it_heals_until_it_is_interrupted_and_doctor_knows(upstream: str, home: Path) -> None:
    with subprocess.Popen(
        [*ENTRY, "--upstream", upstream], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as proxy:
        assert proxy.stdout is not None
        told = proxy.stdout.readline() + proxy.stdout.readline()
        found = re.search(r"OPENAI_BASE_URL=(\S+) OPENAI_API_KEY=(\S+)", told)
        assert found, told
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        url, token = f"{found[1]}/chat/completions", {"Authorization": f"Bearer {found[2]}"}
        assert httpx.post(url, json=body).status_code == 401
        text = httpx.post(url, json=body, headers=token, timeout=60).text
        assert text.endswith("data: [DONE]\n\n")
        assert "Hello, world" in text
        proxy.send_signal(signal.SIGINT)
        assert proxy.wait(60) == 0
    [kept] = (home / "state" / "upstreams").iterdir()
    assert json.loads(kept.read_text()) == {"upstream": f"{upstream}/v1", "seen": ["stream"]}


def test_doctor_asks_an_upstream_and_names_the_remedy(upstream: str, home: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--upstream", upstream, "--long"])
    assert result.exit_code == 0, result.output
    assert "stream (hangs, refuses or answers whole" in result.stdout
    assert "samples (" in result.stdout
    assert f"agent proxy --upstream {upstream}/v1" in result.stdout
    assert "Asking" in result.stderr


def test_doctor_says_when_nobody_answers(home: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--upstream", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "cannot be reached" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--upstream"),
        (["--upstream", "localhost:1234"], "is no address"),
        (["--upstream", "ftp://localhost"], "is no address"),
        (["--upstream", "http://me:secret@localhost"], "LOCUM_UPSTREAM_TOKEN"),
        (["--upstream", "http://localhost", "--quirk", "stream"], "NAME=auto, on or off"),
        (["--upstream", "http://localhost", "--quirk", "strem=on"], "truncation"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["proxy", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_taken_port_is_one_sentence(upstream: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["proxy", "--upstream", upstream, "--port", port])
    assert result.exit_code == 4
    assert f"Port {port} cannot be used" in result.stderr
