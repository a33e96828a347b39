"""Clients of a real server process that hang up at random, all over HTTP.

LOCUM_LONG_TESTS=1 asks for 2,000 requests (or LOCUM_SOAK_REQUESTS) from 32 clients instead of a
few.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from asking import BUG
from prometheus_client.parser import text_string_to_metric_families

from runtime.launch import LocalServer

LONG = os.environ.get("LOCUM_LONG_TESTS") == "1"
CLIENTS = 32 if LONG else 3
REQUESTS = int(os.environ.get("LOCUM_SOAK_REQUESTS", "2000")) if LONG else 9
QUESTIONS = tuple(f"Count to {number}. " * 5 for number in range(3, 9 if LONG else 5))
MODEL = "smollm2-135m"
LEAVES = 0.25
LEAK = 0.03
WAIT = 3600.0


@pytest.fixture(scope="module")
def server(model_file: Callable[[str], Path]) -> Iterator[LocalServer]:
    with LocalServer.start(model_file(MODEL), MODEL, context=1024) as started:
        yield started


class Client:
    """Asks for one thing after the other; ``wrong`` gets every answer that is not as it should."""

    def __init__(self, server: LocalServer, seed: int) -> None:
        endpoint = server.endpoint
        self._http = httpx.Client(
            base_url=endpoint.base_url,
            headers={"Authorization": f"Bearer {endpoint.token}"},
            timeout=WAIT,
        )
        self._dice = random.Random(seed)
        self.right: dict[str, str] = {}
        self.wrong: list[str] = []
        self.left = 0

    def ask(self) -> None:
        """One request, which is left alone or given up at any time."""
        patience = self._dice.random() * 2 if self._dice.random() < LEAVES else WAIT
        try:
            self._dice.choice([self._exact, self._exact, self._streamed, self._branch, self._form])(
                httpx.Timeout(WAIT, read=max(0.001, patience))
            )
        except httpx.ReadTimeout:
            self.left += 1

    def exact(self, question: str, timeout: httpx.Timeout) -> str:
        """The answer that has to be the same whenever it is asked."""
        body = {"messages": user(question), "max_tokens": 10, "deterministic": True}
        made = self._post("chat/completions", body | {"temperature": 0}, timeout)
        return str(made["choices"][0]["message"]["content"])

    def metrics(self) -> dict[str, float]:
        """The server's own figures."""
        text = self._http.get("../metrics").text
        return {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def close(self) -> None:
        self._http.close()

    def _exact(self, timeout: httpx.Timeout) -> None:
        question = self._dice.choice(QUESTIONS)
        text = self.exact(question, timeout)
        if text != self.right[question]:
            self.wrong.append(f"{question!r} was answered with {text!r}")

    def _streamed(self, timeout: httpx.Timeout) -> None:
        body = {"messages": user(self._dice.choice(QUESTIONS) * 2), "n": 3, "max_tokens": 8}
        enough = self._dice.randrange(30) if self._dice.random() < LEAVES else None
        seen = []
        with self._http.stream(
            "POST", "chat/completions", json=body | {"model": MODEL, "stream": True},
            timeout=timeout,
        ) as events:  # fmt: skip
            for number, line in enumerate(events.iter_lines()):
                seen.append(line)
                if number == enough:
                    self.left += 1
                    return
        if "data: [DONE]" not in seen:
            self.wrong.append("a stream had no end")

    def _branch(self, timeout: httpx.Timeout) -> None:
        body = {"messages": user("Mend it."), "forced": BUG, "count": 6, "max_tokens": 6}
        if not self._post("branch", body, timeout)["branches"]:
            self.wrong.append("no branches")

    def _form(self, timeout: httpx.Timeout) -> None:
        body = {"messages": user("Is it?"), "max_tokens": 6, "grammar": 'root ::= "yes" | "no"'}
        made = self._post("chat/completions", body, timeout)
        text = made["choices"][0]["message"]["content"]
        if text not in ("yes", "no"):
            self.wrong.append(f"{text!r} is not of the grammar")

    def _post(self, path: str, body: dict[str, Any], timeout: httpx.Timeout) -> Any:
        answer = self._http.post(path, json=body | {"model": MODEL}, timeout=timeout)
        if answer.status_code != 200:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text}")
        answer.raise_for_status()
        return answer.json()


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def work(clients: list[Client], requests: int) -> None:
    """Let the clients ask that many times in all."""
    each = max(1, requests // len(clients))
    threads = [
        threading.Thread(target=lambda c=client: [c.ask() for _ in range(each)])
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), "a request is stuck"


def drained(client: Client) -> dict[str, float]:
    """The figures once nothing runs or waits any more."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = client.metrics()
        if not found["locum_engine_running"] and not found["locum_queue_depth"]:
            return found
        time.sleep(0.05)
    raise AssertionError("a request is stuck in the server")


@pytest.mark.slow
def test_many_clients_some_of_whom_hang_up(server: LocalServer) -> None:
    clients = [Client(server, seed) for seed in range(CLIENTS)]
    first = clients[0]
    right = {question: first.exact(question, httpx.Timeout(WAIT)) for question in QUESTIONS}
    for client in clients:
        client.right = right
    process = psutil.Process(server.process_id)
    work(clients, max(CLIENTS, REQUESTS // 4))
    drained(first)
    before = process.memory_info().rss
    work(clients, REQUESTS)
    figures = drained(first)
    after = process.memory_info().rss
    assert [wrong for client in clients for wrong in client.wrong] == []
    assert figures["locum_kv_cells_reserved"] == 0
    assert figures["locum_prefix_cache_bytes"] <= figures["locum_prefix_cache_capacity_bytes"]
    for client in clients:
        client.close()
    if LONG:
        assert after <= before * (1 + LEAK)
        assert figures["locum_engine_cancelled_total"] > 0
        assert sum(client.left for client in clients) > 0
