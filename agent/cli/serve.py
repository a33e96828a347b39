"""`agent serve`: the model for other programs on this machine."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys

import click

from agent.cli.model import ProgressLine
from runtime.errors import ServerFailed
from runtime.hardware import physical_cores, require_memory
from runtime.models import DEFAULT_MODEL, ModelStore

TOKEN_VARIABLE = "LOCUM_TOKEN"


def _loopback(_: click.Context, __: click.Parameter, host: str) -> str:
    """Whoever reaches the server can use the machine: it listens to this machine only."""
    if host not in ("127.0.0.1", "localhost"):
        raise click.BadParameter(f"{host} can be reached from outside; use 127.0.0.1.")
    return "127.0.0.1"


@click.command()
@click.option(
    "--model", metavar="ID", default=DEFAULT_MODEL, show_default=True, help="Or a GGUF file."
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    callback=_loopback,
    help="A loopback address; no other is served.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--context",
    type=click.IntRange(512, 32768),
    default=8192,
    show_default=True,
    help="Tokens that a prompt and its answer may have.",
)
@click.option("--threads", type=click.IntRange(1), help="Default: one a physical core.")
@click.pass_context
def serve(
    ctx: click.Context, model: str, host: str, port: int, context: int, threads: int | None
) -> None:
    """Serve a model over the OpenAI API until Ctrl-C.

    Clients need the bearer token of LOCUM_TOKEN; without that variable a fresh one is made and
    shown.
    """
    with ProgressLine(model) as line:
        file = ModelStore().path(model, line.show)
    require_memory(file.stat().st_size, context)
    _require_port(host, port)
    given = os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe(24)
    # -P: the directory that `agent` was started in may hold a package of the same name.
    argv = [sys.executable, "-P", "-m", "runtime.server", "--die-with-parent"]
    argv += ["--model-file", str(file), "--model-id", model, "--port", str(port)]
    argv += ["--context", str(context), "--threads", str(threads or physical_cores())]
    click.echo(f"Loading {model} …", err=True)
    ctx.exit(_run(argv, {**os.environ, TOKEN_VARIABLE: token}, "" if given else token))


def _require_port(host: str, port: int) -> None:
    """Asked before the model is loaded, which takes seconds."""
    with socket.socket(socket.AF_INET) as probe:
        # As the server will do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServerFailed(
                f"Port {port} cannot be used ({error.strerror}); choose another with --port, "
                "or --port 0 for any free one."
            ) from error


def _run(argv: list[str], environment: dict[str, str], token: str) -> int:
    """Run the server in the foreground; Ctrl-C and SIGTERM end it, and that is no failure."""
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as server:
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        assert server.stdout is not None
        try:
            for line in server.stdout:
                _announce(line, token)
            status = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return 0
    if status not in (0, -signal.SIGTERM):
        raise ServerFailed("The model server ended by itself; what it said is above.")
    return 0


def _announce(line: str, token: str) -> None:
    """The server's one line of JSON, for people."""
    ready = json.loads(line)
    url = f"http://127.0.0.1:{ready['port']}/v1"
    click.echo(f"Serving {ready['model']} at {url} (Ctrl-C stops it).")
    secret = token or f"${TOKEN_VARIABLE}"
    click.echo(f"For clients: OPENAI_BASE_URL={url} OPENAI_API_KEY={secret}")
