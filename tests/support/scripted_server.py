"""A model server that needs no model, as a process of its own: `scripted_server.py PORT TOKEN`."""

from __future__ import annotations

import socket
import sys

import uvicorn
from fake_engine import FakeEngine

from runtime.server import create_app


def main(port: int, token: str) -> None:
    with socket.socket() as listener:
        # The next server takes the same port while connections to a killed one fade away.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(32)
        app = create_app(FakeEngine(replies=("calc.py:2: the wrong way round",)), token, "fake")
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
