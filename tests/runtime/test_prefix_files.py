"""Prompts on disk: found again by who kept them, and nothing else ever reaches the model."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from runtime.core import State
from runtime.prefix_files import BLOCK, PrefixFiles, users_owner

TOKENS = [at % 997 for at in range(3 * BLOCK + 50)]
IDENTITY = "model and settings"
BIG = 1 << 30


def cells(start: int, end: int) -> State:
    """States that are the tokens themselves."""
    return np.array(TOKENS[start:end], dtype=np.int32).view(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prompts"


def kept(folder: Path, owner: str = "ann", *, count: int = len(TOKENS)) -> list[Path]:
    """Files of the first tokens, in their order."""
    files = PrefixFiles(folder, BIG, IDENTITY)
    before = set(folder.iterdir())
    files.keep(owner, TOKENS[:count], cells)
    files.settle(60)
    made = set(folder.glob("*.cells")) - before
    return sorted(made, key=lambda file: -file.stat().st_mtime_ns)


def found(
    folder: Path,
    owner: str = "ann",
    tokens: list[int] = TOKENS,
    known: int = 0,
    identity: str = IDENTITY,
) -> list[int]:
    """The tokens that the states of another run hold."""
    out: list[int] = []
    for piece in PrefixFiles(folder, BIG, identity).find(owner, tokens, known):
        assert piece.end - piece.start == BLOCK
        out += [int(token) for token in piece.state.view(np.int32)]
    return out


def test_another_run_finds_whole_blocks(folder: Path) -> None:
    assert len(kept(folder)) == 3
    assert found(folder) == TOKENS[: 3 * BLOCK]
    assert found(folder, known=BLOCK + 5) == TOKENS[BLOCK : 3 * BLOCK]
    other_end = [*TOKENS[: 2 * BLOCK], 7, *TOKENS[2 * BLOCK + 1 :]]
    assert found(folder, tokens=other_end) == TOKENS[: 2 * BLOCK]
    assert found(folder, tokens=[7, *TOKENS[1:]]) == []
    assert found(folder, tokens=TOKENS[: BLOCK - 1]) == []


def test_another_owner_model_or_setting_finds_nothing(folder: Path) -> None:
    kept(folder)
    assert found(folder, owner="bob") == []
    assert found(folder, identity="another model") == []
    assert found(folder) == TOKENS[: 3 * BLOCK]


def test_names_and_modes_tell_nothing_to_others(folder: Path) -> None:
    old = os.umask(0)
    try:
        paths = kept(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600] * 3
    assert set(folder.iterdir()) == set(paths), "nothing half-written is left"
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="nobody but you"):
        PrefixFiles(folder, BIG, IDENTITY)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def lengthened(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0\0\0\0")


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def foreign(file: Path) -> None:
    file.write_bytes(os.urandom(5000))


def swapped(file: Path) -> None:
    """Another block of the same owner, whole in itself."""
    [other] = [path for path in sorted(file.parent.glob("*.cells")) if path != file][:1]
    file.write_bytes(other.read_bytes())


def linked(file: Path) -> None:
    target = file.with_name("elsewhere")
    file.rename(target)
    file.symlink_to(target)


def piped(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def huge(file: Path) -> None:
    os.truncate(file, 1 << 30)


@pytest.mark.parametrize(
    "damage", [cut, emptied, lengthened, flipped, foreign, swapped, linked, piped, huge]
)
def test_a_damaged_file_is_passed_over_and_removed(folder: Path, damage: object) -> None:
    second = kept(folder)[1]
    assert callable(damage)
    damage(second)
    files = PrefixFiles(folder, 1 << 31, IDENTITY)
    assert [piece.start for piece in files.find("ann", TOKENS, 0)] == [0]
    assert files.discarded == 1
    assert not second.exists()
    files.keep("ann", TOKENS, cells)
    files.settle(60)
    assert found(folder) == TOKENS[: 3 * BLOCK], "and is made anew"


def test_a_file_of_another_owner_does_not_stand_in(folder: Path) -> None:
    mine, theirs = kept(folder)[0], kept(folder, "eve")[0]
    theirs.replace(mine)
    assert found(folder) == []
    assert found(folder, "eve") == []


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    paths = kept(folder, count=2 * BLOCK)
    size = paths[0].stat().st_size
    kept(folder, "bob", count=BLOCK)
    assert found(folder)
    files = PrefixFiles(folder, 3 * size, IDENTITY)
    files.keep("cid", TOKENS[:BLOCK], cells)
    files.settle(60)
    assert files.held <= files.capacity
    assert (found(folder, "bob"), found(folder, "cid")) == ([], TOKENS[:BLOCK])
    assert found(folder) == TOKENS[: 2 * BLOCK]
    PrefixFiles(folder, size, IDENTITY)
    assert len(list(folder.glob("*.cells"))) == 1
    assert found(folder) == TOKENS[:BLOCK], "the last block goes before those it builds on"


def test_what_a_killed_server_was_writing_goes_too(folder: Path) -> None:
    paths = kept(folder)
    (folder / "0123.new").write_bytes(b"half" * 1000)
    os.utime(folder / "0123.new", ns=(1, 1))
    PrefixFiles(folder, sum(path.stat().st_size for path in paths), IDENTITY)
    assert set(folder.iterdir()) == set(paths)


def test_a_disk_that_takes_nothing_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = PrefixFiles(folder, BIG, IDENTITY)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "utime", full)
    files.keep("ann", TOKENS, cells)
    files.settle(60)
    assert "No space left" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_user_has_one_secret_that_others_cannot_read(folder: Path) -> None:
    first = users_owner(folder)
    assert len(first) == 64
    assert users_owner(folder) == first
    assert stat.S_IMODE((folder / "owner").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["owner"]
    (folder / "owner").write_text("short")
    with pytest.raises(OSError, match="remove it"):
        users_owner(folder)
