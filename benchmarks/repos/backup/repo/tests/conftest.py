from pathlib import Path

import pytest

from snapback import Archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few files."""
    top = tmp_path / "documents"
    (top / "letters").mkdir(parents=True)
    (top / "notes.txt").write_text("remember the milk")
    (top / "letters" / "ada.txt").write_text("Dear Ada")
    (top / "letters" / "draft.tmp").write_text("…", encoding="utf-8")
    return top


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", keep=3)
