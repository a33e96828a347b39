"""Starts the local model server as its own process and ends it."""

import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from runtime.client import Endpoint
from runtime.errors import ModelMissing, ServerFailed
from runtime.hardware import require_memory

_LOAD_SECONDS = 300.0
_STOP_SECONDS = 5.0
_PROGRESS_SECONDS = 0.5


class LocalServer:
    """A running ``python -m runtime.server``; also a context manager that stops it."""

    def __init__(
        self, process: "subprocess.Popen[str]", endpoint: Endpoint, log: IO[bytes]
    ) -> None:
        self.endpoint = endpoint
        self._log = log
        self._process = process

    @classmethod
    def start(
        cls,
        model_file: Path,
        model_id: str,
        *,
        context: int = 8192,
        threads: int | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> "LocalServer":
        """Start and wait until the model is loaded; raises RuntimeFailure in one sentence."""
        model_file = model_file.absolute()
        if not model_file.is_file():
            raise ModelMissing(f"There is no model file {model_file}; fetch one: agent model pull.")
        require_memory(model_file.stat().st_size, context)
        token = secrets.token_urlsafe(32)
        command = [sys.executable, "-m", "runtime.server", "--die-with-parent", "--own"]
        command += ["--model-file", str(model_file), "--model-id", model_id]
        command += ["--context", str(context)]
        if threads is not None:
            command += ["--threads", str(threads)]
        # Without a name: a killed agent leaves no file behind.
        log = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it when it stops
        environment = os.environ | {"LOCUM_TOKEN": token}
        environment.pop("PYTHONSAFEPATH", None)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            # Python looks for the package here first, so neither the caller's directory nor
            # a folder called ``runtime`` in a repository can get in its way.
            cwd=Path(__file__).resolve().parent.parent,
            # Ctrl-C in the terminal is for the agent, which then stops the server.
            start_new_session=True,
        )
        server = cls(process, Endpoint("", token, model_id), log)
        try:
            port = server._wait_until_ready(model_id, on_progress)
        except BaseException:
            server.stop()
            raise
        server.endpoint = Endpoint(f"http://127.0.0.1:{port}/v1", token, model_id, context)
        return server

    @property
    def process_id(self) -> int:
        """Of the server."""
        return self._process.pid

    def stop(self) -> None:
        """End the server; safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, model_id: str, on_progress: Callable[[str], None] | None) -> int:
        lines: queue.Queue[str] = queue.Queue()
        assert self._process.stdout is not None
        threading.Thread(target=_read, args=(self._process.stdout, lines), daemon=True).start()
        began = time.monotonic()
        while (waited := time.monotonic() - began) < _LOAD_SECONDS:
            if on_progress is not None:
                on_progress(f"loading {model_id} ({waited:.0f} s)")
            try:
                line = lines.get(timeout=_PROGRESS_SECONDS)
            except queue.Empty:
                continue
            if not line:
                break
            if port := _ready_port(line):
                return port
        raise ServerFailed(self._story(model_id))

    def _story(self, model_id: str) -> str:
        """Why there is no server, in one sentence."""
        try:
            status = self._process.wait(_PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            return f"The model {model_id} was not loaded within {_LOAD_SECONDS:.0f} seconds."
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        why = f": {lines[-1].strip().rstrip('.')}" if lines else ""
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"The server of the model {model_id} ended with {how} before it was ready{why}."


def _read(stream: IO[str], lines: "queue.Queue[str]") -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put("")


def _ready_port(line: str) -> int | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return int(told["port"]) if isinstance(told, dict) and told.get("ready") else None
