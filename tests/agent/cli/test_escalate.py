"""`agent fix --escalate`: the second endpoint gets code only when all else has failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_engine import FakeEngine

from agent.cli import main
from agent.escalation import TOKEN
from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

BUGGY = "def digits(n):\n    return None\n"
MENDED = "def digits(n):\n    text = str(abs(n))\n    return sorted(int(c) for c in text)\n"
TEST = "from m import digits\n\n\ndef test_digits():\n    assert digits(-312) == [1, 2, 3]\n"
Fix = Callable[..., Result]


@pytest.fixture
def large() -> FakeEngine:
    return FakeEngine(replies=(f"```python\n{MENDED}```",))


@pytest.fixture
def fix(
    home: Path,
    serve: Callable[[FakeEngine], Endpoint],
    large: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Fix:
    small, second = serve(FakeEngine(replies=("no idea",))), serve(large)
    monkeypatch.setenv("LOCUM_TOKEN", small.token)
    monkeypatch.setenv(TOKEN, second.token)
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "m.py").write_text(BUGGY)
    (repo / "test_m.py").write_text(TEST)

    def run(*arguments: str) -> Result:
        words = ["fix", str(repo), "--yes", "--endpoint", small.base_url, *arguments]
        words = [second.base_url if word == "SECOND" else word for word in words]
        return CliRunner().invoke(main, words)

    return run


def test_a_larger_model_mends_what_the_small_one_cannot(
    fix: Fix, large: FakeEngine, tmp_path: Path
) -> None:
    result = fix("--escalate", "SECOND", "--summary", str(tmp_path / "s.md"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "repo" / "m.py").read_text() == MENDED
    assert "are sent to http://127.0.0.1" in result.stderr
    summary = (tmp_path / "s.md").read_text()
    assert "code of the repository was sent to" in summary
    assert "no byte of the repository left" not in summary


def test_it_is_not_asked_unless_named(fix: Fix, large: FakeEngine) -> None:
    assert fix().exit_code == 1
    assert large.requests == []


def test_an_unencrypted_endpoint_elsewhere_is_refused_at_once(fix: Fix) -> None:
    result = fix("--escalate", "http://models.example/v1")
    assert result.exit_code == 2
    assert "--allow-plain-http" in result.stderr
