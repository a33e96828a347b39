"""`agent proxy`: another server's API, healed, for the programs on this machine."""

import os
import secrets
import signal
import socket
from urllib.parse import urlsplit

import click

from agent.cli.examples import epilog
from agent.cli.serve import TOKEN_VARIABLE
from agent.home import upstreams_root
from runtime.errors import ServerFailed
from runtime.proxy.quirks import STORIES, SWITCHES, Quirk, Switch

UPSTREAM_TOKEN_VARIABLE = "LOCUM_UPSTREAM_TOKEN"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def base_url(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """The address with its ``/v1``."""
    if given is None:
        return None
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(f"{given} is no address; give http://HOST:PORT/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise click.BadParameter(
            f"only http://HOST:PORT/v1 is understood; a token goes into {UPSTREAM_TOKEN_VARIABLE}."
        )
    url = given.rstrip("/")
    return url if parts.path.strip("/") else f"{url}/v1"


def _switches(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[Quirk, Switch]:
    chosen: dict[Quirk, Switch] = {}
    for one in given:
        name, _equals, wish = one.partition("=")
        switch = next((switch for switch in SWITCHES if switch == wish), None)
        if name not in set(Quirk) or switch is None:
            raise click.BadParameter(
                f"{one!r} is not understood; say NAME=auto, on or off, with one of the names "
                f"{', '.join(Quirk)}."
            )
        chosen[Quirk(name)] = switch
    return chosen


def _epilog() -> str:
    lines = [f"{quirk}: {what}; {healed}." for quirk, (what, healed) in STORIES.items()]
    told = ["Quirks, and what is done about them:", *lines, epilog("proxy") or ""]
    return "\n\n".join(told)


@click.command(epilog=_epilog())
@click.option(
    "--upstream", metavar="URL", required=True, callback=base_url, help="As http://HOST:PORT."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8081,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--quirk",
    "switches",
    multiple=True,
    callback=_switches,
    metavar="NAME=auto|on|off",
    help="auto (the default): heal when seen; on: expect it; off: leave it alone.",
)
@click.option(
    "--context",
    type=click.IntRange(1),
    help="Tokens that the upstream holds. Default: what it says of itself.",
)
@click.option(
    "--first",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds until a stream without an event is asked for whole.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    help="Seconds for one answer.",
)
def proxy(
    upstream: str,
    port: int,
    switches: dict[Quirk, Switch],
    context: int | None,
    first: float,
    timeout: float,
) -> None:
    """Serve another OpenAI-compatible server's models, with its faults healed, until Ctrl-C.

    Clients need the bearer token of LOCUM_TOKEN, or the fresh one that is shown; the upstream's
    own token is read from LOCUM_UPSTREAM_TOKEN.
    """
    import uvicorn

    from runtime.listening import configuration
    from runtime.proxy.app import create_app
    from runtime.proxy.quirks import Memory
    from runtime.proxy.upstream import Limits, Upstream

    listening = _listen(port)
    given = os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe(24)
    memory = Memory(upstream, switches, upstreams_root())
    limits = Limits(first=first, whole=timeout)
    to_upstream = Upstream(memory, os.environ.get(UPSTREAM_TOKEN_VARIABLE, ""), limits)
    app = create_app(memory, to_upstream, token, context)
    _announce(upstream, listening.getsockname()[1], "" if given else token)
    # Both ways to end it are no failure; uvicorn raises the signal again when it is done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvicorn.Server(configuration(app, lifespan="on")).run(sockets=[listening])
    except KeyboardInterrupt:
        return


def _listen(port: int) -> socket.socket:
    from runtime.listening import listener

    try:
        return listener(port)
    except OSError as error:
        raise ServerFailed(
            f"Port {port} cannot be used ({error.strerror}); choose another with --port, "
            "or --port 0 for any free one."
        ) from error


def _announce(upstream: str, port: int, token: str) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    if urlsplit(upstream).hostname not in _LOOPBACK:
        click.echo(f"What clients send leaves this machine, to {upstream}.", err=True)
    click.echo(f"Healing {upstream} at {url} (Ctrl-C stops it).")
    secret = token or f"${TOKEN_VARIABLE}"
    click.echo(f"For clients: OPENAI_BASE_URL={url} OPENAI_API_KEY={secret}")
