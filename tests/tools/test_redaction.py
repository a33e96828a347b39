"""Secrets are taken out, and ordinary code is left as it is."""

from __future__ import annotations

import pytest

from tools import redaction
from tools.redaction import redact, redact_values

RANDOM = "q7Zt2Lk9Xw4Rv8Bn3Mc6Yd1Hs5Jf0Pg7Ta2Ue9Qi4Ko8Nb3Vc6Xz1Ws5Er0Ty"
HEX = "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1\nq7Zt2Lk9Xw4Rv8\n"
    "-----END RSA PRIVATE KEY-----"
)  # fmt: skip
# Written in pieces, so that no scanner takes this file for a leak.
SECRETS = {
    "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + RANDOM[:36],
    "GitHub fine-grained": "github_pat_" + RANDOM[:40],
    "GitLab token": "glpat-" + RANDOM[:20],
    "Slack token": "xoxb-" + "123456789012-" + RANDOM[:12],
    "Slack address": "https://hooks." + "slack.com/services/" + RANDOM[:44],
    "Stripe key": "sk_" + "live_" + RANDOM[:24],
    "API key": "sk-" + RANDOM[:40],
    "API key with a prefix": "sk-" + "ant-api03-" + RANDOM[:40],
    "Google key": "AIza" + RANDOM[:35],
    "Google token": "ya29." + RANDOM[:30],
    "npm token": "npm_" + RANDOM[:36],
    "PyPI token": "pypi-" + RANDOM[:60],
    "Hugging Face token": "hf_" + RANDOM[:34],
    "DigitalOcean token": "dop_v1_" + HEX,
    "SendGrid key": "SG." + RANDOM[:22] + "." + RANDOM[:43],
    "Twilio key": "SK" + HEX[:32],
    "Telegram token": "123456789:AA" + RANDOM[:33],
    "Databricks token": "dapi" + HEX[:32],
    "age key": "AGE-SECRET-KEY-1" + RANDOM[:58].upper(),
    "web token": "eyJ" + RANDOM[:20] + ".eyJ" + RANDOM[:20] + "." + RANDOM[:20],
    "private key": PEM,
}
NAMED = {
    "password": "password = 'Xq7-Zt2Lk9Xw4Rv8'",
    "dictionary": '{"api_key": "q7zt2lk9xw4rv8bn3mc6"}',
    "attribute": "self.client_secret='q7Zt2Lk9Xw4Rv8Bn'",
    "bytes": "SECRET_KEY = b'q7Zt2Lk9Xw4Rv8Bn3Mc6'",
    "settings": "export DB_PASSWORD=q7Zt2Lk9Xw4Rv8Bn",
    "header": "Authorization: Bearer q7Zt2Lk9Xw4Rv8Bn3Mc6Yd1H",
    "address": "postgres://admin:q7Zt2Lk9Xw4Rv8@db.example.org/x",
}
ORDINARY = (
    "password = 'secret'",
    'assert login("ada", password="correct horse")',
    "http://user:pass@example.org/",
    "token = tokens[index]",
    "statetokens = tokendefs[statestack[-1]]",
    "api_key = os.environ['API_KEY']",
    "secret = get_secret(name, version=12345678)",
    "class TokenKind(Enum): NAME = 'identifier'",
    "key='abcdefghijklmnopqrstuvwxyz'",
    "sha256 = '9f86d081884c7d659a2feaa0c55ad015'",
    "task-name-that-is-rather-long-but-harmless-indeed",
    "public_key = '-----BEGIN PUBLIC KEY-----'",
    "git commit 98cd82e1f0a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8",
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    redaction._own_secrets.cache_clear()


@pytest.mark.parametrize("kind", SECRETS)
def test_known_formats(kind: str) -> None:
    secret = SECRETS[kind]
    text = f"x = 1\nuse({secret!r})\n" if "\n" not in secret else f"x = 1\n{secret}\n"
    cleaned = redact(text)
    assert secret not in cleaned
    assert "[redacted: " in cleaned
    assert cleaned.startswith("x = 1\n")
    assert redact(cleaned) == cleaned


@pytest.mark.parametrize("kind", NAMED)
def test_random_values_of_telling_names(kind: str) -> None:
    cleaned = redact(NAMED[kind])
    assert "[redacted: secret]" in cleaned
    assert "7Zt2" not in cleaned
    assert "7zt2" not in cleaned


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_what_our_own_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "not random at all")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    monkeypatch.setenv("ORDINARY", "a plain value")
    redaction._own_secrets.cache_clear()
    said = redact("x not random at all y, abc, a plain value")
    assert said == "x [redacted: variable] y, abc, a plain value"


def test_values_inside_of_values() -> None:
    secret = SECRETS["GitHub token"]
    value = {"a": [secret, 1, None], "patch": secret, "b": {"c": (f"x {secret}",)}}
    cleaned = redact_values(value, {"patch"})
    assert cleaned == {
        "a": ["[redacted: GitHub token]", 1, None],
        "patch": secret,
        "b": {"c": ["x [redacted: GitHub token]"]},
    }
