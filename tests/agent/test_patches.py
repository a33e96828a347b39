"""What patches take away and add."""

from agent.patches import changed, changes
from agent.repair.seams import Change

PATCH = """diff --git a/one.sql b/one.sql
--- a/one.sql
+++ b/one.sql
@@ -1,3 +1,2 @@
 select 1;
--- a remark
-select 2;
+++ 2
diff --git a/two.py b/two.py
--- a/two.py
+++ b/two.py
@@ -0,0 +1 @@
+x = 1
\\ No newline at end of file
"""


def test_lines_that_look_like_names_of_files_are_lines() -> None:
    assert changed(PATCH) == (["-- a remark", "select 2;"], ["++ 2", "x = 1"])
    assert changed("") == ([], [])


def test_stretches_of_changed_lines_come_with_a_line_beside_what_is_only_added() -> None:
    assert changes(PATCH) == [
        Change(("-- a remark", "select 2;"), ("++ 2",)),
        Change((), ("x = 1",)),
    ]
    body = " a\n+b\n c\n-d\n e\n\n+f\n"
    assert changes(f"diff --git a/x b/x\n@@ -1,5 +1,5 @@\n{body}") == [
        Change(("c",), ("b", "c")),
        Change(("d",), ()),
        Change(("e",), ("e", "f")),
    ]
    assert changes("") == []
