"""Starts the local model server as its own process and ends it."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from runtime.client import Endpoint


class LocalServer:
    """A running ``python -m runtime.server``; also a context manager that stops it."""

    endpoint: Endpoint

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
        raise NotImplementedError

    def stop(self) -> None:
        """End the server; safe to call twice."""
        raise NotImplementedError

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
