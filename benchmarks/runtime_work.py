"""The pieces of work that the servers are measured by; each gives units of work and seconds.

Every run has a beginning of its own, so no server knows a prompt before it is meant to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.runtime_peers import Server

WORDS = (
    "The measure of a program is not how it runs on the day it was written but how it is read on "
    "the day it fails, by somebody who was not there. "
)
FUNCTION = '''def settle(accounts, payments, today):
    """Apply the payments that are due to the accounts and return what is left over."""
    remaining = []
    totals = {account.number: 0 for account in accounts}
    for payment in sorted(payments, key=lambda payment: payment.due):
        if payment.due > today:
            remaining.append(payment)
            continue
        account = find_account(accounts, payment.account)
        if account is None:
            remaining.append(payment)
            continue
        if payment.amount <= 0:
            raise ValueError("a payment must be positive")
        if payment.kind == "fee":
            account.balance -= payment.amount
        elif payment.kind == "deposit":
            account.balance += payment.amount
        else:
            raise ValueError(f"unknown kind {payment.kind}")
        totals[account.number] += payment.amount
    for account in accounts:
        if account.balance < 0:
            account.overdrawn = True
            account.interest = account.balance * account.rate / 365
        if totals[account.number] > account.limit:
            account.flagged = True
    return remaining, totals
'''


@dataclass(frozen=True)
class Timed:
    """``units`` (tokens, continuations, branches …) took ``seconds``; ``cold`` is the time of
    the same without what was read before, where that is told too."""

    units: float
    seconds: float
    cold: float = 0.0

    @property
    def each(self) -> float:
        """Seconds for one unit."""
        return self.seconds / max(self.units, 1e-9)


class Failed(Exception):
    """A server answered with an error; the text says which, and what."""


Work = Callable[[Server, int], Timed | None]
"""Given a server and the number of the run; None where the server cannot do it, Failed where it
should and does not."""


def samples(server: Server, run: int) -> Timed | None:
    """32 samples of 128 tokens from one prompt of about 700; seconds a token."""
    prompt = _text(server.of(700), run) + "\nA long story begins: "
    body = {"prompt": prompt, "max_tokens": server.of(128), "temperature": 1.0}
    count = server.of(32)
    began = time.monotonic()
    if server.kind == "llama_cpp.server":
        done = _all(server, [body | {"seed": 100 * run + number} for number in range(count)])
    else:
        done = [_post(server, "completions", body | {"n": count, "seed": run})]
    seconds = time.monotonic() - began
    return Timed(sum(_generated(server, answer) for answer in done), seconds)


def second_turn(server: Server, run: int) -> Timed | None:
    """Seconds to the first token of turn 2, after a first turn with 3,000 tokens."""
    messages = [{"role": "user", "content": _text(server.of(3000), run) + "\nWhat is this about?"}]
    cold, answer = _first_token(server, messages, server.of(24))
    messages += [
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "Say it in other words."},
    ]
    warm, _ = _first_token(server, messages, 4)
    return Timed(1, warm, cold)


def scores(server: Server, run: int) -> Timed | None:
    """64 continuations of about 24 tokens on a prefix of 600; seconds for one.

    llama-server cannot tell the log-probabilities of a prompt: it only reads the same tokens.
    """
    prefix = _text(server.of(600), run)
    texts = [
        f" Version {number} says: {WORDS[number : 100 + number]}" for number in range(server.of(64))
    ]
    began = time.monotonic()
    if server.kind == "locum":
        messages = [{"role": "user", "content": prefix}]
        _post(server, "score", {"messages": messages, "continuations": texts})
    elif server.name.endswith("with logits"):
        # It sorts the whole vocabulary for every token, which takes minutes for each request: the
        # second, which finds the prefix read, stands for all that follow.
        took = [_seconds_rated(server, prefix + text) for text in texts[:2]]
        return Timed(len(texts), took[0] + (len(texts) - 1) * took[1])
    elif server.kind == "llama-server":
        bodies = [{"prompt": prefix + text, "max_tokens": 1, "temperature": 0} for text in texts]
        _post(server, "completions", {"prompt": prefix, "max_tokens": 1, "temperature": 0})
        _all(server, bodies)
    else:
        return None
    return Timed(len(texts), time.monotonic() - began)


def branches(server: Server, run: int) -> Timed | None:
    """100 branches of at most 8 tokens in a function of 300 tokens; seconds for one."""
    prompt = _text(server.of(500), run)
    count = server.of(100)
    began = time.monotonic()
    if server.kind == "locum":
        body = {
            "messages": [{"role": "user", "content": prompt}],
            "forced": FUNCTION,
            "count": count,
            "max_tokens": 8,
        }
        found = _post(server, "branch", body)
        return Timed(max(1, len(found["branches"])), time.monotonic() - began)
    places = [len(FUNCTION) * number // count for number in range(count)]
    bodies = [
        {"prompt": prompt + FUNCTION[:at], "max_tokens": 8, "temperature": 0, "stop": ["\n"]}
        for at in places
    ]
    _all(server, bodies)
    return Timed(len(bodies), time.monotonic() - began)


def rewrite(server: Server, run: int) -> Timed | None:
    """A whole function written again at temperature 0 with one line changed; seconds a token."""
    task = f"Task {run}. In this function, divide the interest by 360. Answer with the whole "
    question = f"{task}function and nothing else.\n```python\n{FUNCTION}```"
    messages = [{"role": "user", "content": question}]
    began = time.monotonic()
    body = {"messages": messages, "max_tokens": server.of(400), "temperature": 0}
    made = _post(server, "chat/completions", body)
    return Timed(made["usage"]["completion_tokens"], time.monotonic() - began)


def decode(server: Server, run: int) -> Timed | None:
    """A single stream of 200 tokens, without its first; seconds a token."""
    prompt = f"Story {run}. " + WORDS + "A long story begins: "
    stamps = _stream(server, "completions", {"prompt": prompt, "max_tokens": server.of(200)})
    return Timed(len(stamps) - 1, stamps[-1] - stamps[0])


def prefill(server: Server, run: int) -> Timed | None:
    """A prompt of 2,000 tokens until its first token; seconds for it."""
    body = {"prompt": _text(server.of(2000), run), "max_tokens": 1, "temperature": 0}
    began = time.monotonic()
    made = _post(server, "completions", body)
    return Timed(made["usage"]["prompt_tokens"], time.monotonic() - began)


def cancellation(server: Server, run: int) -> Timed | None:
    """How much longer a short request takes when a long prefill was cut off just before it."""
    short = {"prompt": f"Hello {run}", "max_tokens": 1, "temperature": 0}
    began = time.monotonic()
    _post(server, "completions", short)
    alone = time.monotonic() - began
    body = {
        "model": "local",
        "prompt": _text(server.of(5000), run),
        "max_tokens": 8,
        "stream": True,
    }
    with server.client.stream("POST", "completions", json=body):
        time.sleep(1.0)
    began = time.monotonic()
    _post(server, "completions", short)
    return Timed(1, max(0.001, time.monotonic() - began - alone))


def _seconds_rated(server: Server, prompt: str) -> float:
    """How long the log-probabilities of a prompt take."""
    body = {"prompt": prompt, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0}
    began = time.monotonic()
    _post(server, "completions", body)
    return time.monotonic() - began


def _text(tokens: int, run: int) -> str:
    """About so many tokens of English; no two runs begin alike."""
    return f"Run {run}. " + WORDS * max(1, round(tokens / 33))


def _post(server: Server, path: str, body: dict[str, Any]) -> Any:
    answer = server.client.post(path, json={"model": "local"} | body)
    if answer.is_error:
        raise Failed(f"{server.name} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def _all(server: Server, bodies: Sequence[dict[str, Any]]) -> list[Any]:
    """Completions, as many at once as the server gets."""
    with ThreadPoolExecutor(server.width) as pool:
        return list(pool.map(lambda body: _post(server, "completions", body), bodies))


def _generated(server: Server, answer: Any) -> int:
    """Tokens of an answer; llama-server tells those of one sample only, so it counts them again."""
    if server.kind != "llama-server":
        return int(answer["usage"]["completion_tokens"])
    root = str(server.client.base_url).removesuffix("/").removesuffix("v1")
    texts = [choice["text"] for choice in answer["choices"]]
    told = [server.client.post(f"{root}tokenize", json={"content": text}) for text in texts]
    return sum(len(one.raise_for_status().json()["tokens"]) for one in told)


def _stream(server: Server, path: str, body: dict[str, Any]) -> list[float]:
    """When each piece of text came."""
    stamps = []
    streamed = {"model": "local", "stream": True, "temperature": 0} | body
    with server.client.stream("POST", path, json=streamed) as events:
        for line in events.iter_lines():
            if _piece(line):
                stamps.append(time.monotonic())
    return stamps


def _first_token(server: Server, messages: list[dict[str, str]], most: int) -> tuple[float, str]:
    """Seconds to the first token, and the whole answer."""
    body = {"model": "local", "messages": messages, "max_tokens": most}
    first, text = 0.0, ""
    began = time.monotonic()
    with server.client.stream(
        "POST", "chat/completions", json=body | {"stream": True, "temperature": 0}
    ) as events:
        for line in events.iter_lines():
            if piece := _piece(line):
                first = first or time.monotonic() - began
                text += piece
    return first, text


def _piece(line: str) -> str:
    """The text in one line of a stream."""
    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[6:]).get("choices") or [{}]
    choice = choices[0]
    return str(choice.get("text") or (choice.get("delta") or {}).get("content") or "")
