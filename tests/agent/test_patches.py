"""What patches take away and add."""

from agent.patches import changed

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
