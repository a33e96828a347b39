from __future__ import annotations

import story

from tui.patch import parse


def test_files_hunks_and_numbers() -> None:
    first, second = parse(story.DIFF)
    assert (first.path, first.added, first.removed) == ("bank/interest.py", 1, 1)
    assert (second.path, second.added, second.removed) == ("bank/transfer.py", 1, 2)
    assert first.hunks[0].heading.startswith("def calculate_interest")
    removed = next(line for line in first.hunks[0].lines if line.kind == "-")
    assert (removed.number, removed.text) == (15, "    return principal / rate")


def test_old_and_new_stand_beside_each_other() -> None:
    pairs = list(parse(story.DIFF)[1].hunks[0].pairs())
    changed = [(old, new) for old, new in pairs if old is not new]
    assert [(bool(old), bool(new)) for old, new in changed] == [(True, True), (True, False)]
    old, new = changed[0]
    assert old is not None
    assert new is not None
    assert (old.text.strip(), new.text.strip()) == (
        "if source.balance > amount:",
        "if source.balance >= amount:",
    )


def test_new_and_removed_files_say_so() -> None:
    made = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    diff = made + "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    assert [(file.path, file.note) for file in parse(diff)] == [
        ("new.py", "new file"),
        ("old.py", "removed"),
    ]


def test_anything_else_is_no_diff() -> None:
    assert parse("") == []
    assert parse("hello\n@@ nonsense\n") == []
