"""The server process: loads the model, binds loopback, and ends with its parent if told to."""

import argparse
import json
import os
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import uvicorn

from runtime.chat_template import families
from runtime.engine_api import EngineError
from runtime.integrity import hash_of
from runtime.listening import configuration, listener

_PARENT_POLL_SECONDS = 0.25
# Less than whoever stops the server waits before it kills it.
_SETTLE_SECONDS = 2.0
KEEP_PROMPTS = "LOCUM_KEEP_PROMPTS"
# Seen by the parent: what went wrong is the last line on standard error.
FAILED_TO_LOAD, FAILED_TO_BIND = 3, 4


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``python -m runtime.server``."""
    options = _options(arguments)
    token = os.environ.pop("LOCUM_TOKEN", "")
    if not token:
        _fail("LOCUM_TOKEN must hold the bearer token", 2)
    if options.die_with_parent:
        # Not PR_SET_PDEATHSIG: that fires when the *thread* that started us ends.
        threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    _serve(options, token, _bind(options.port))


def _serve(options: argparse.Namespace, token: str, listening: socket.socket) -> None:
    # OpenMP threads that spin at barriers slow decoding up to tenfold as soon as any other
    # process wants the cores. Must be set before the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from runtime.engine import Kept, LlamaEngine, Settings, tuned_settings
    from runtime.prefix_files import users_owner
    from runtime.server import create_app
    from runtime.tuning import default_cache

    settings = tuned_settings(
        options.model_file, Settings(context=options.context, threads=options.threads)
    )
    owner = token
    try:
        if options.keep_prompts:
            folder = default_cache().with_name("prompts")
            owner = users_owner(folder) if options.own else token
            kept = Kept(folder, options.keep_prompts << 20, hash_of(options.model_file))
            settings = replace(settings, kept=kept)
        engine = LlamaEngine(options.model_file, settings)
    except OSError as error:
        _fail(f"prompts cannot be kept on disk: {error}", FAILED_TO_LOAD)
    except EngineError as error:
        _fail(str(error), FAILED_TO_LOAD)
    if engine.family not in families():
        _fail(f"there is no chat template for {engine.family!r} models", FAILED_TO_LOAD)
    app = create_app(engine, token, options.model_id, owner)
    port = listening.getsockname()[1]
    print(json.dumps({"ready": True, "port": port, "model": options.model_id}), flush=True)
    uvicorn.Server(configuration(app)).run(sockets=[listening])
    engine.settle(_SETTLE_SECONDS)
    # Requests that still hold the engine end at their next token; the system frees the rest.
    sys.stderr.flush()
    os._exit(0)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m runtime.server")
    parser.add_argument("--model-file", type=Path, required=True)
    parser.add_argument("--model-id", required=True)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--threads", type=int, default=None, help="default: physical cores")
    parser.add_argument("--context", type=int, default=8192, help="tokens of one request")
    parser.add_argument("--die-with-parent", action="store_true")
    parser.add_argument("--own", action="store_true", help="every start has another token")
    options = parser.parse_args(arguments)
    options.keep_prompts = _keep_prompts()
    return options


def _keep_prompts() -> int:
    """MiB on disk for prompts read before; 0, the default, keeps none.

    Off unless asked for: the files outlive the run, and tell of the code that was in its prompts.
    """
    given = os.environ.get(KEEP_PROMPTS, "0")
    if not given.isascii() or not given.isdigit():
        _fail(f"{KEEP_PROMPTS} must be a number of MiB, such as 1024, not {given!r}", 2)
    return int(given)


def _bind(port: int) -> socket.socket:
    try:
        return listener(port)
    except OSError as error:
        _fail(f"port {port} cannot be used: {error.strerror}", FAILED_TO_BIND)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)


def _fail(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(status)
