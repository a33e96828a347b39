"""Hosts of the model: our own server on this machine, or an endpoint that the user named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from runtime.client import Client, Endpoint
from runtime.errors import EndpointUnreachable, ModelMissing
from runtime.launch import LocalServer
from runtime.models import ModelStore


class LocalHost:
    """Starts our server on a free port when the model is first needed, and stops it."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._server: LocalServer | None = None

    def start(self, say: Callable[[str], None]) -> Endpoint:
        store = ModelStore()
        try:
            path = store.path(self._model, lambda progress: say(f"{self._model}: {progress}"))
        except ModelMissing:
            say(f"Fetching the model {self._model}, once")
            path = store.pull(self._model, lambda progress: say(f"{self._model}: {progress}"))
        say(f"Loading {self._model}")
        self._server = LocalServer.start(path, self._model, on_progress=say)
        return self._server.endpoint

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


class RemoteHost:
    """Somebody's OpenAI-compatible endpoint; never started or stopped by us."""

    def __init__(self, base_url: str, token: str, model: str) -> None:
        self._endpoint = Endpoint(base_url=base_url, token=token, model=model)

    def start(self, say: Callable[[str], None]) -> Endpoint:
        say(f"Asking {self._endpoint.base_url} for its models")
        with closing(Client(self._endpoint)) as client:
            models = client.models()
        if not models:
            raise EndpointUnreachable(
                f"{self._endpoint.base_url} answers but offers no model; load one there first."
            )
        name = self._endpoint.model
        chosen = name if name in models or not name else models[0]
        return Endpoint(self._endpoint.base_url, self._endpoint.token, chosen or models[0])

    def stop(self) -> None:
        """Nothing of ours runs there."""
