"""The server as a process of its own, with the small real model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from runtime.client import Client
from runtime.errors import EndpointUnreachable, ModelMissing, NotEnoughMemory, ServerFailed
from runtime.launch import LocalServer
from runtime.tuning import machine_key

SMALL = "smollm2-135m"
ModelFile = Callable[[str], Path]
_PARENT = """
import sys, time
from pathlib import Path
from runtime.launch import LocalServer
print(LocalServer.start(Path(sys.argv[1]), "m").process_id, flush=True)
time.sleep(600)
"""


def gone(process_id: int, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(process_id):
            return True
        if psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_starts_answers_and_stops_from_a_directory_with_a_package_of_the_same_name(
    model_file: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "__init__.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    progress: list[str] = []
    with LocalServer.start(
        model_file(SMALL), SMALL, context=512, threads=1, on_progress=progress.append
    ) as server:
        client = Client(server.endpoint)
        assert client.models() == (SMALL,)
        assert client.chat([{"role": "user", "content": "Say hi"}], max_tokens=5).texts[0]
    assert progress[0].startswith(f"loading {SMALL}")
    assert not psutil.pid_exists(server.process_id)
    assert server._log.closed
    with pytest.raises(EndpointUnreachable):
        client.models()
    client.close()
    server.stop()


def test_the_server_dies_with_a_parent_that_is_killed(model_file: ModelFile) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(model_file(SMALL))],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    with parent.stdout:
        server = int(parent.stdout.readline())
    assert psutil.pid_exists(server)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(server)


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"GGUF" + b"\xff" * 400])
def test_a_file_that_is_no_model_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)
    with pytest.raises(ServerFailed, match=r"bad\.gguf could not be loaded") as caught:
        LocalServer.start(file, "bad")
    assert "\n" not in str(caught.value)


def test_a_truncated_model_is_one_sentence(model_file: ModelFile, tmp_path: Path) -> None:
    file = tmp_path / "cut.gguf"
    with model_file(SMALL).open("rb") as whole:
        file.write_bytes(whole.read(50_000_000))
    with pytest.raises(ServerFailed, match=r"cut\.gguf could not be loaded"):
        LocalServer.start(file, "cut")


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="agent model pull"):
        LocalServer.start(tmp_path / "none.gguf", "none")


def test_too_little_memory_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "huge.gguf"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 43)
    with pytest.raises(NotEnoughMemory, match="smaller model"):
        LocalServer.start(file, "huge")


def test_a_taken_port_is_one_sentence(serve_port: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runtime.server", "--model-id", "m", "--model-file"]
    done = subprocess.run(
        [*command, str(tmp_path / "unused.gguf"), "--port", str(serve_port)],
        capture_output=True,
        text=True,
        env=os.environ | {"LOCUM_TOKEN": "t"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.strip() == f"port {serve_port} cannot be used: Address already in use"


def test_a_server_without_token_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runtime.server", "--model-id", "m", "--model-file"]
    done = subprocess.run(
        [*command, str(tmp_path / "unused.gguf")],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "LOCUM_TOKEN"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 2
    assert "LOCUM_TOKEN" in done.stderr


def test_the_users_next_server_finds_the_prompts_that_are_kept(
    model_file: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = model_file(SMALL)
    found = {"repack": False, "batch": 256, "threads": 1}
    (tmp_path / "tuning.json").write_text(json.dumps({machine_key(file): found}))
    monkeypatch.setenv("LOCUM_CACHE", str(tmp_path))
    monkeypatch.setenv("LOCUM_KEEP_PROMPTS", "64")
    question = {"role": "user", "content": "Count to five. " * 60}
    cached = []
    for _ in range(2):
        with LocalServer.start(file, SMALL, context=1024, threads=1) as server:
            headers = {"Authorization": f"Bearer {server.endpoint.token}"}
            for _ in range(2):
                answer = httpx.post(
                    f"{server.endpoint.base_url}/chat/completions",
                    json={"model": SMALL, "messages": [question], "max_tokens": 1},
                    headers=headers,
                    timeout=600,
                ).json()
                cached.append(answer["usage"]["prompt_tokens_details"]["cached_tokens"])
    assert cached[0] == 0
    assert cached[2] > 0, "another process, with another token of the same user"
    assert not list(tmp_path.glob("prompts/*.new"))


def test_an_unclear_size_on_disk_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUM_KEEP_PROMPTS", "1G")
    (tmp_path / "unused.gguf").touch()
    with pytest.raises(ServerFailed, match="must be a number of MiB"):
        LocalServer.start(tmp_path / "unused.gguf", "m")
