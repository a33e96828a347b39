"""What can go wrong in the runtime. The text of each error is one sentence for the user."""


class RuntimeFailure(Exception):
    """The model or its runtime failed; ``str()`` is one clear sentence with the remedy."""


class EndpointUnreachable(RuntimeFailure):
    """Nobody answers at the endpoint, or the connection broke or timed out."""


class AnswerLate(EndpointUnreachable):
    """The answer did not come within the time that the caller waits."""


class EndpointRefused(RuntimeFailure):
    """The endpoint answered with an error; ``status`` is the HTTP status (0 inside a stream)."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class BranchingUnsupported(RuntimeFailure):
    """The endpoint has no ``/v1/branch`` (or no ``/v1/score``); use samples instead."""


class InfillUnsupported(RuntimeFailure):
    """The endpoint has no ``/v1/completions``, or its model cannot fill a gap."""


class ModelMissing(RuntimeFailure):
    """The model is not on this machine."""


class ModelCorrupt(RuntimeFailure):
    """The model file is truncated or is not the file that the catalogue pins."""


class DownloadFailed(RuntimeFailure):
    """A model could not be fetched."""


class NotEnoughMemory(RuntimeFailure):
    """The model does not fit into the free memory."""


class NotEnoughDisk(RuntimeFailure):
    """The model does not fit onto the disk."""


class ServerFailed(RuntimeFailure):
    """The local model server did not start, or ended by itself."""
