"""Trees are removed whatever is in them, and nothing else is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from nesting import nest

from tools.removal import remove_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "a" / "b").mkdir(parents=True)
    (made / "a" / "b" / "file").write_text("x")
    (made / "top").write_text("y")
    return made


def test_a_tree_is_removed_and_its_neighbours_stay(tree: Path) -> None:
    twin = Path(shutil.copytree(tree, tree.with_name("tree2")))
    remove_tree(tree)
    assert not tree.exists()
    assert (twin / "a" / "b" / "file").read_text() == "x"


def test_a_name_is_relative_to_a_folder(tree: Path) -> None:
    parent = os.open(tree.parent, os.O_RDONLY)
    remove_tree(tree.name, within=parent)
    os.close(parent)
    assert not tree.exists()


def test_depth_does_not_matter(tree: Path) -> None:
    nest(tree, "inner", 5_000)
    if sys.version_info < (3, 13):  # which does not call itself any more
        with pytest.raises(RecursionError):
            shutil.rmtree(tree)
    remove_tree(tree)
    assert not tree.exists()


def test_links_are_removed_and_not_followed(tree: Path) -> None:
    outside = tree.with_name("outside")
    outside.mkdir()
    (outside / "kept").write_text("mine")
    (tree / "a" / "link").symlink_to(outside)
    (tree / "link").symlink_to("../outside", target_is_directory=True)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "kept").read_text() == "mine"
    link = tree.with_name("link")
    link.symlink_to(outside)
    remove_tree(link)
    assert (outside / "kept").read_text() == "mine"


def test_modes_do_not_matter(tree: Path) -> None:
    (tree / "a" / "b" / "c").mkdir()
    for folder, mode in ((tree / "a" / "b" / "c", 0), (tree / "a" / "b", 0o555), (tree / "a", 0)):
        folder.chmod(mode)
    remove_tree(tree)
    assert not tree.exists()


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "gone")
    (tmp_path / "file").write_text("x")
    remove_tree(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x", "only folders"
