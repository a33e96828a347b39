"""What can go wrong with a run, as one clear sentence each, and its exit status."""

from __future__ import annotations


class AgentError(Exception):
    """Base: the text is one sentence with the remedy; `exit_status` is the documented one."""

    exit_status = 2


class Unusable(AgentError):
    """The request or the repository is unusable."""


class UnknownStrategy(Unusable):
    """The search has no strategy of the given name."""


class NoSuchRun(AgentError):
    """The run id given does not exist, or cannot be resumed."""
