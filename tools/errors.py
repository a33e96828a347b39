"""What can go wrong with a repository; every message is one clear sentence for its reader."""

from __future__ import annotations


class ToolsError(Exception):
    """Base of all errors raised by `tools`; `str()` is one sentence, with the remedy if any."""


class NoTests(ToolsError):
    """The repository has no tests that can be found."""


class UnusableRepository(ToolsError):
    """The path is missing, not a directory, or cannot be read."""


class RefusedPath(ToolsError):
    """A path leaves its root, goes through a symbolic link, or is not a regular file."""


class RefusedCommand(ToolsError):
    """A command is not one of the exact argument vectors that the policy allows."""


class ApplyConflict(ToolsError):
    """The user's tree changed under the run or cannot be written; it was left as it was."""


class RepositoryBusy(ToolsError):
    """Another run holds the repository."""


class SandboxUnavailable(ToolsError):
    """No sandbox can run code on this machine, or the one at hand failed to start."""


class BadPolicy(ToolsError):
    """A policy file is there, and is none."""
