"""Files that are never written, and files whose edit is left to a person."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

_FORBIDDEN_FOLDERS = frozenset({".git", ".hg", ".svn"})
PROTECTED_FOLDERS = frozenset(
    {
        *(".github", ".gitlab", ".circleci", ".buildkite", ".ci", ".husky", ".devcontainer"),
        *(".vscode", ".idea", ".zed", ".cursor", ".claude", ".codex", ".gemini", ".aider"),
        *(".ssh", ".aws", ".venv", "venv", "node_modules", "site-packages"),
    }
)
PROTECTED_NAMES = frozenset(
    {
        *("conftest.py", "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini"),
        *(".pytest.ini", "noxfile.py", "pytest.toml", ".pytest.toml", ".coveragerc", "ruff.toml"),
        *(".ruff.toml", "mypy.ini", "sitecustomize.py", "usercustomize.py"),
        *("package.json", "package-lock.json", "makefile", "gnumakefile", "justfile", "dockerfile"),
        *(".gitmodules", ".gitattributes", ".gitconfig", ".gitlab-ci.yml"),
        ".pre-commit-config.yaml",
        ".locum-policy.toml",
        *("agents.md", "claude.md", "gemini.md", ".cursorrules", ".windsurfrules", ".envrc"),
        *(".npmrc", ".pypirc", ".netrc", ".bashrc", ".profile", ".python-version"),
        *("jenkinsfile", "build.rs", "cargo.toml", "go.mod", "locum.toml"),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Protection:
    """Which names are protected; compared as the most forgiving file system would."""

    names: frozenset[str] = PROTECTED_NAMES
    folders: frozenset[str] = PROTECTED_FOLDERS
    opened: frozenset[str] = frozenset()
    """Whole relative paths that the user lets be written all the same."""

    def of(self, path: str) -> Literal["ordinary", "protected", "forbidden"]:
        """How an edit of `path` is taken; no policy can allow what is forbidden."""
        # Some file systems take .GIT, .git followed by a dot or look-alikes for .git itself.
        parts = [folded(part) for part in path.split("/")]
        if _FORBIDDEN_FOLDERS.intersection(parts) or "git~1" in parts:
            return "forbidden"
        name = parts[-1]
        if path not in self.opened and (
            self.folders.intersection(parts)
            or name in self.names
            or name.startswith(".env")
            or name.endswith((".pth", ".config.js", ".config.ts", ".config.mjs"))
        ):
            return "protected"
        return "ordinary"

    def covers(self, path: str) -> bool:
        """Whether an edit of `path` is left to a person: it could forge a result or run later."""
        return self.of(path) != "ordinary"


def folded(part: str) -> str:
    """One part of a path, so that names which some file system takes for one are equal."""
    plain = unicodedata.normalize("NFKC", part).casefold().rstrip(". ")
    return "".join(c for c in plain if unicodedata.category(c) != "Cf")


USUAL = Protection()
