"""The project's own files agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "scripts/build.lock", "scripts/llama.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pinned(lock: str) -> dict[str, str]:
    """Names and versions of a lock file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_with_hashes_and_name_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|--index|--find-links|^/", text, re.MULTILINE)


def test_every_dependency_is_locked() -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    locked = {**pinned("requirements.lock"), **pinned("scripts/llama.lock")}
    names = [re.match(r"[A-Za-z0-9_.-]+", one) for one in wanted]
    missing = [name[0] for name in names if name and name[0].lower() not in locked]
    assert missing == []


def test_the_engine_is_locked_at_the_version_asked_for() -> None:
    version = pinned("scripts/llama.lock")["llama-cpp-python"]
    assert f"llama-cpp-python=={version}" in PROJECT["dependencies"]


def test_files_stay_small() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder in ("agent", "tools", "runtime", "tui", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (lines := len(path.read_text().splitlines())) > 320
    ]
    assert long == []


def test_the_changelog_starts_with_what_is_not_released() -> None:
    assert re.search(r"^## \[Unreleased\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
