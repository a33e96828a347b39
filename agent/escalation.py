"""A second, larger endpoint that the user may name: never used unasked, and never silently."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from urllib.parse import urlsplit

from agent.errors import Unusable
from agent.events import Event, Note
from agent.host import RemoteHost
from agent.record import Record, read
from agent.state import Task
from runtime.client import Endpoint

TOKEN = "LOCUM_ESCALATE_TOKEN"
ESCALATED = "escalated"
"""Kind of the record's entry, written before the first byte goes."""


class EscalationHost:
    """Says that code leaves for the endpoint, and only then asks it for its models."""

    def __init__(
        self, task: Task, record: Record, emit: Callable[[Event], None], tell: Callable[[str], None]
    ) -> None:
        """`tell` is called with the endpoint's URL when it is about to be used.

        Raises Unusable when the task names no endpoint that code may be sent to.
        """
        self._url = checked(task.escalate or "", allow_plain_http=task.allow_plain_http)
        token = os.environ.get(TOKEN, "")
        self._remote = RemoteHost(self._url, token, task.escalate_model)
        self._record, self._emit, self._tell = record, emit, tell

    def start(self, say: Callable[[str], None]) -> Endpoint:
        """Returns when the endpoint answers; raises RuntimeFailure with one sentence."""
        text = f"Code and test output of the repository are sent to {self._url} from here on."
        self._record.write(ESCALATED, endpoint=self._url)
        self._emit(Note(text=text, level="warning"))
        self._tell(self._url)
        return self._remote.start(say)

    def stop(self) -> None:
        """Nothing of ours runs there."""


def escalated(record: Record) -> str:
    """The endpoint that earlier sessions of the run sent code to; empty for none."""
    found = [entry["data"]["endpoint"] for entry in read(record.path) if entry["kind"] == ESCALATED]
    return str(found[-1]) if found else ""


def checked(url: str, *, allow_plain_http: bool) -> str:
    """The URL, if code may be sent there: encrypted, on this machine, or wanted in the clear.

    Raises Unusable, with the remedy, for any other.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unusable(f"--escalate {url} is no URL of an endpoint; write https://HOST/v1.")
    if parts.username or parts.password:
        raise Unusable(f"--escalate must not hold a password; put the token into {TOKEN}.")
    if parts.scheme == "http" and not (allow_plain_http or _is_loopback(parts.hostname)):
        raise Unusable(
            f"--escalate {url} would send code unencrypted; use https://, "
            "or say --allow-plain-http if that network is yours."
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
