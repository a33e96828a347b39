"""The servers that are measured against each other: ours, and two others on the same GGUF file.

Each peer runs in every setting that may be its best for a piece of work. The others are installed
when they are needed, into an environment of their own under `build/`, which borrows the bindings
(and with them the same build of llama.cpp) from ours.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import httpx

from runtime.hardware import physical_cores
from runtime.launch import LocalServer

PACKAGES = (
    "xllamacpp==2026.10.11549",
    "pydantic-settings==2.11.0",
    "python-dotenv==1.1.1",
    "sse-starlette==3.0.2",
    "starlette-context==0.4.0",
)
_ROOT = Path(__file__).resolve().parent.parent
_HOME = _ROOT / "build" / "peers"
_START_SECONDS = 600.0
# Enough for 32 requests that share nothing; with less, upstream's server throws prompts away.
CELLS = 32_768
CONTEXT = 8_192
SHORT_CONTEXT = 2_048
PARALLEL = 32

Kind = Literal["locum", "llama_cpp.server", "llama-server"]


@dataclass(frozen=True)
class Server:
    """A running server. ``name`` tells apart the settings in which one kind runs; ``width``:
    how many requests it gets at once; ``part`` of every piece of work: less than all of it only
    tries the benchmark out."""

    name: str
    kind: Kind
    client: httpx.Client
    width: int = 1
    part: float = 1.0

    def of(self, amount: int) -> int:
        """That part of an amount of work."""
        return max(2, round(amount * self.part))

    def at_once(self, width: int) -> Server:
        """The same server, asked for so much at once."""
        return replace(self, name=f"{self.name}, {width} at once", width=width)


def environment() -> Path:
    """The interpreter that has the peers; made when it is not there."""
    python = _HOME / "bin" / "python"
    stamp = _HOME / "installed"
    if stamp.is_file() and stamp.read_text() == "\n".join(PACKAGES):
        return python
    print(f"installing {', '.join(PACKAGES)} in {_HOME}", file=sys.stderr)
    venv.create(_HOME, with_pip=True, clear=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES],
        check=True,
    )
    [site] = _HOME.glob("lib/python*/site-packages")
    (site / "locum.pth").write_text(sysconfig.get_paths()["platlib"] + "\n")
    stamp.write_text("\n".join(PACKAGES))
    return python


@contextmanager
def locum(model: Path, threads: int | None) -> Iterator[Server]:
    """Our own server, as the agent starts it."""
    with LocalServer.start(model, "local", context=CONTEXT, threads=threads) as server:
        yield _server("locum", "locum", server.endpoint.base_url, server.endpoint.token)


@contextmanager
def llama_cpp_server(
    model: Path, threads: int | None, *, all_logits: bool = False, guess: bool = False
) -> Iterator[Server]:
    """The server that comes with the bindings; with ``all_logits`` it can score prompts, with
    ``guess`` it guesses what is copied from the prompt."""
    port, token = _free_port(), secrets.token_urlsafe(16)
    count = str(threads or physical_cores())
    # With logits of all positions kept, 8,192 of them take 5 GB.
    context = SHORT_CONTEXT if all_logits or guess else CONTEXT
    command = [str(environment()), "-m", "llama_cpp.server", "--model", str(model)]
    command += ["--model_alias", "local", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--n_ctx", str(context), "--n_threads", count, "--n_threads_batch", count]
    command += ["--flash_attn", "true", "--logits_all", str(all_logits).lower()]
    command += ["--n_batch", "512", "--api_key", token, "--verbose", "false"]
    name = "llama_cpp.server with logits" if all_logits else "llama_cpp.server"
    if guess:
        command += ["--draft_model", "prompt-lookup-decoding"]
        name = "llama_cpp.server, guessing"
    with _process(command) as process:
        server = _server(name, "llama_cpp.server", f"http://127.0.0.1:{port}/v1", token)
        _wait(lambda: server.client.get("models").is_success, process)
        yield server


@contextmanager
def llama_server(
    model: Path, threads: int | None, *, repack: bool, guess: bool = False
) -> Iterator[Server]:
    """Upstream's server; ``repack``: weights laid out for decoding, its default; ``guess``: it
    guesses what is copied from the prompt."""
    settings = {
        "model": str(model),
        "cells": CELLS,
        "parallel": PARALLEL,
        "threads": threads or physical_cores(),
        "repack": repack,
        "guess": guess,
    }
    script = Path(__file__).with_name("runtime_llama_server.py")
    command = [str(environment()), str(script), json.dumps(settings)]
    with _process(command) as process:
        assert process.stdout is not None
        address = ""
        while not address:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("llama-server did not start; see above.")
            if line.startswith("{"):
                address = json.loads(line)["address"]
        name = "llama-server" + ("" if repack else ", not repacked") + (", guessing" * guess)
        server = _server(name, "llama-server", f"{address}/v1", "none")
        _wait(lambda: server.client.get("models").is_success, process)
        yield server


def _server(name: str, kind: Kind, base_url: str, token: str) -> Server:
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(
        base_url=base_url, headers=headers, timeout=3600, trust_env=False,
        # Upstream's server closes a connection that was silent for some seconds.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )  # fmt: skip
    return Server(name, kind, client)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    quiet = os.environ | {"OMP_WAIT_POLICY": "passive"}
    (_ROOT / "build").mkdir(exist_ok=True)
    log = (_ROOT / "build" / "peers.log").open("a")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=quiet
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < _START_SECONDS:
        if process.poll() is not None:
            raise SystemExit("a peer ended before it was ready; see build/peers.log.")
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise SystemExit("a peer did not start in time; see build/peers.log.")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
