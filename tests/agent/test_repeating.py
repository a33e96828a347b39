"""What mended one bug is tried on the next one first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from mending import mended

from runtime.client import Endpoint

pytestmark = pytest.mark.usefixtures("few_edits")

BUGGY = """\
def net(price, quantity, rebate):
    total = price * quantity
    return total + rebate


def gross(price, quantity, rebate, tax):
    total = price * quantity
    if tax:
        total = total * 1.2
    return total + rebate
"""
TESTS = """\
from shop import gross, net


def test_net():
    assert net(3, 2, 1) == 5


def test_gross():
    assert gross(5, 2, 3, False) == 7


def test_without_rebate():
    assert net(3, 2, 0) == gross(3, 2, 0, False) == 6
"""


def test_the_same_slip_in_another_function_is_mended_alike(
    home: Path,
    tmp_path: Path,
    serve: Callable[[FakeEngine], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = serve(FakeEngine(replies=("nothing",)))
    monkeypatch.setenv("LOCUM_TOKEN", served.token)
    root = tmp_path / "repo"
    root.mkdir()
    (root / "shop.py").write_text(BUGGY)
    (root / "test_shop.py").write_text(TESTS)
    report, _ = mended(root, served)
    first, second = report["items"]
    assert (first["strategy"], second["strategy"]) == ("template", "repeat")
    assert second["operator"] == "the same edit"
    assert (report["before"]["passed"], report["after"]["passed"]) == (1, 3)
    assert "total - rebate" in (root / "shop.py").read_text()
    assert "total + rebate" not in (root / "shop.py").read_text()
