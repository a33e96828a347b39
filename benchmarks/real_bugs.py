"""Makes tasks for `agent bench --repos` from bugs that public Python libraries really had.

    python -m benchmarks.real_bugs --facts real_bugs.json --clones CLONES --out TREES [--check]

The facts name a repository, the commits before and behind a fix, and the tests that tell them
apart. Each becomes `OUT/ID/repo`: the tree before the fix with the fix's tests, a fresh git
repository with an environment of its own in `.venv`, and `OUT/ID/task.toml` beside it. Local git
clones are read, never changed. Only the environments need a package index, and building a package
runs that package's own code: do this for libraries that you trust.

With `--check` nothing is made: the named test files of every tree are run as `agent bench` would
run them, and exactly the tests that the facts name must fail.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

VERSION = "9.9.9"
VERSIONS = {
    "SETUPTOOLS_SCM_PRETEND_VERSION": VERSION,
    "PDM_BUILD_SCM_VERSION": VERSION,
    "PBR_VERSION": VERSION,
    "UV_DYNAMIC_VERSIONING_BYPASS": VERSION,
}
"""For packages that take their version from git's tags, which a fresh repository has none of."""
VERSION_FILE = re.compile(r"""^[\w.-]*(?:version[-_]file|write_to)\s*=\s*["'](.+?)["']""", re.M)
BUILD_SECONDS = 600


class Facts(BaseModel):
    """The fields of a bug that are used; others are ignored."""

    id: str
    repo: str
    base_commit: str
    fix_commit: str
    source_file: str
    functions_changed: tuple[str, ...]
    lines_changed: int
    overlay_files: tuple[str, ...]
    fail_to_pass: tuple[str, ...]
    failing_before_and_after: tuple[str, ...] = ()
    test_dependencies: tuple[str, ...]


class Failed(Exception):
    """A task cannot be made; one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status is 1 when a task could not be made, or a check found it wrong."""
    options = _options().parse_args(arguments)
    bugs = [Facts.model_validate(one) for one in json.loads(options.facts.read_text("utf-8"))]
    if options.only:
        bugs = [bug for bug in bugs if bug.id in options.only.split(",")]
    failed = 0
    for bug in bugs:
        try:
            if options.check:
                said = check(bug, options.out / bug.id / "repo")
            else:
                said = make(bug, options.clones, options.out / bug.id, options.python)
        except (Failed, OSError) as error:
            failed += 1
            said = f"FAILED: {error}"
        print(f"{bug.id}  {said}", flush=True)
    return 1 if failed else 0


def make(bug: Facts, clones: Path, folder: Path, python: str) -> str:
    """Make one task in `folder`, in place of what is there; says how. Raises Failed, OSError."""
    git_dir = find_clone(clones, bug.repo)
    shutil.rmtree(folder, ignore_errors=True)
    repo = folder / "repo"
    repo.mkdir(parents=True)
    lay_tree(bug, git_dir, repo)
    start_repository(repo)
    interpreter = make_environment(bug, repo, python)
    how = install(bug, repo, interpreter)
    (folder / "task.toml").write_text(describe(bug), "utf-8")
    return how


def find_clone(clones: Path, name: str) -> Path:
    """The git directory of OWNER/NAME; raises Failed."""
    owner, _, short = name.partition("/")
    for place in (clones / f"{owner}+{short}" / "repo", clones / owner / short):
        for git_dir in (place / ".git", place):
            if (git_dir / "HEAD").is_file():
                return git_dir
    raise Failed(f"There is no clone of {name} in {clones}.")


def lay_tree(bug: Facts, git_dir: Path, repo: Path) -> None:
    """The tree of the commit before the fix, with the files that the fix's tests need, and without
    those that the fix took away. Raises Failed."""
    git = ("git", "--git-dir", str(git_dir))
    archive = _run([*git, "archive", bug.base_commit])
    _run(["tar", "x", "-C", str(repo)], data=archive)
    found = _run([*git, "ls-tree", "-rz", "--name-only", bug.fix_commit, *bug.overlay_files])
    kept = found.decode("utf-8").split("\0")
    for name in bug.overlay_files:
        target = repo / name
        if name in kept:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_run([*git, "show", f"{bug.fix_commit}:{name}"]))
        elif target.is_file():
            target.unlink()  # the fix renamed it
        else:
            raise Failed(f"{name} is in neither commit.")


def start_repository(repo: Path) -> None:
    """A history of one commit: some builds ask git."""
    git = ("git", "-C", str(repo), "-c", "user.name=bench", "-c", "user.email=bench@localhost")
    _run([*git, "init", "-q"])
    with (repo / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write(".venv/\n*.egg-info/\n")
    _run([*git, "add", "-A"])
    _run([*git, "commit", "-q", "--no-verify", "-m", "The tree before the fix"])


def make_environment(bug: Facts, repo: Path, python: str) -> Path:
    """`.venv` with what the tests need; returns its interpreter."""
    environment = repo / ".venv"
    interpreter = environment / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "-q", "--python", python, str(environment)])
    else:
        _run([python, "-m", "venv", str(environment)])
    _run([*_installer(interpreter), *bug.test_dependencies])
    return interpreter


def install(bug: Facts, repo: Path, interpreter: Path) -> str:
    """The package itself, editable and without what it depends on; else put on the path."""
    how = "installed"
    if own_name(repo) in map(_plain, bug.test_dependencies):
        how = "on the path: its tests need a released version of it beside it"
    else:
        try:
            _run([*_installer(interpreter), "--no-deps", "-e", str(repo)], more=VERSIONS)
        except Failed as error:
            how = f"on the path, for it cannot be installed: {error}"
    if how != "installed":
        source = repo / "src" if (repo / "src").is_dir() else repo
        packages = next((repo / ".venv").glob("lib/python3*/site-packages"))
        (packages / "task.pth").write_text(f"{source}\n", "utf-8")
    _write_version_files(repo)
    return how


def own_name(repo: Path) -> str:
    """What the package is called, for comparing; empty where pyproject.toml does not say."""
    try:
        project = tomllib.loads((repo / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return ""
    return _plain(str(project.get("name", "")))


def describe(bug: Facts) -> str:
    """The task.toml. JSON's strings and lists are TOML's too."""
    size = bug.lines_changed
    kind = "1 or 2 lines" if size < 3 else "3 to 5 lines" if size < 6 else "6 lines or more"
    values = {
        "title": f"{bug.repo} before {bug.fix_commit[:12]}",
        "kinds": [f"changes {kind}"],
        "source_file": bug.source_file,
        "functions": bug.functions_changed,
        "fail_to_pass": bug.fail_to_pass,
        "failing_before_and_after": bug.failing_before_and_after,
    }
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def check(bug: Facts, repo: Path) -> str:
    """Run the fix's test files; raises Failed when other tests fail than the facts say."""
    # The search for a test's name is the same as when a run is judged.
    from agent.bench.names import find
    from tools.errors import ToolsError
    from tools.sandbox import choose
    from tools.testing import TestRunner, detect
    from tools.workspace import Workspace

    with TemporaryDirectory(prefix="locum-real-") as home:
        try:
            workspace = Workspace.create(repo, Path(home))
            plan = detect(repo)
            if plan.kind == "pytest":
                files = tuple(
                    name for name in bug.overlay_files if "test" in name and (repo / name).is_file()
                )
                plan = plan.model_copy(update={"targets": files})
            report = TestRunner(plan, workspace.root, choose(), timeout=300).run()
        except ToolsError as error:
            raise Failed(str(error)) from error
    if report.problem:
        raise Failed(report.problem)
    wanted = {result.id for name in bug.fail_to_pass for result in find(name, report.failing)}
    known = {r.id for name in bug.failing_before_and_after for r in find(name, report.failing)}
    missing = [name for name in bug.fail_to_pass if not find(name, report.failing)]
    if missing:
        raise Failed(f"{missing[0]} does not fail.")
    others = sorted({result.id for result in report.failing} - wanted - known)
    if others and plan.kind == "pytest":
        raise Failed(f"{others[0]} fails too.")
    beside = f", {len(others)} elsewhere fail" if others else ""
    return f"{plan.kind}: {len(wanted)} of {report.total} fail as they should{beside}"


def _write_version_files(repo: Path) -> None:
    """What a build would have generated, where no build did."""
    for name in _version_files(repo):
        file = repo / name
        if not file.exists() and file.parent.is_dir() and file.suffix == ".py":
            file.write_text(f'__version__ = version = "{VERSION}"\n', "utf-8")


def _version_files(repo: Path) -> Iterator[str]:
    project = repo / "pyproject.toml"
    if project.is_file():
        yield from VERSION_FILE.findall(project.read_text("utf-8"))


def _installer(interpreter: Path) -> list[str]:
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "-q", "--python", str(interpreter)]
    return [str(interpreter), "-m", "pip", "install", "-q"]


def _plain(requirement: str) -> str:
    """A requirement's name as package indexes compare it."""
    name = re.match(r"[\w.-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def _run(
    command: Sequence[str], data: bytes | None = None, more: dict[str, str] | None = None
) -> bytes:
    environment = {**os.environ, **(more or {})}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, env=environment, timeout=BUILD_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"`{' '.join(command[:3])}` took too long.") from error
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise Failed(f"`{' '.join(command[:4])}` failed: {words[0][:300]}")
    return done.stdout


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--facts", type=Path, required=True, help="JSON list of bugs")
    parser.add_argument("--clones", type=Path, help="OWNER+NAME/repo or OWNER/NAME in it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", metavar="ID[,ID]", default="")
    parser.add_argument("--python", default=sys.executable, help="for the environments")
    parser.add_argument("--check", action="store_true", help="run the tests of what is there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
