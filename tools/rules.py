"""The policy of a run, as it is put together from files.

There are two: the user's own, which may widen what the program allows by default, and one in the
repository (`.locum-policy.toml`), which comes from whoever wrote the repository and may only
narrow it. What the latter asks for beyond the user's policy is left out, and told.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.beneath import Root
from tools.errors import BadPolicy, RefusedPath
from tools.policy import LINTERS, VERSION, Budgets, Command
from tools.protection import USUAL, Protection, folded
from tools.text import one_line

REPOSITORY_FILE = ".locum-policy.toml"
LARGEST = 64 * 1024
"""Bytes of a policy file that are read."""
Unattended = Literal["nothing", "source", "everything"]
_ORDER: tuple[Unattended, ...] = ("nothing", "source", "everything")


class CommandRule(BaseModel):
    """A command that the model may run; see `tools.policy.Command`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    argv: list[str] = Field(min_length=1, max_length=50)
    paths: bool = False
    writes: bool = False
    timeout: float = Field(default=60.0, gt=0, le=3600)

    def command(self) -> Command:
        return Command(tuple(self.argv), self.paths, self.writes, self.timeout)


class PolicyFile(BaseModel):
    """Version 1 of a policy file; what it does not name stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal["1"]
    commands: list[CommandRule] | None = None
    """The only commands that may be run."""
    budgets: dict[str, int] = {}
    protected: list[str] = []
    """Names of files, and of folders with a slash behind, that are left to a person besides."""
    writable: list[str] = []
    """Whole paths of protected files that may be written all the same."""
    forbidden_tools: list[str] = []
    """Tools that the model may not call."""
    unattended: Unattended | None = None
    """What is applied where nobody can be asked: source files that are neither tests nor
    protected, everything that the tests verified, or nothing."""
    record_prompts: bool | None = None
    """Whether the record keeps the text of prompts, or their hashes alone."""


@dataclass(frozen=True)
class Rules:
    """What is in force. The defaults are safe ones."""

    commands: tuple[Command, ...] = LINTERS
    budgets: Budgets = field(default_factory=Budgets)
    protection: Protection = USUAL
    forbidden_tools: frozenset[str] = frozenset()
    unattended: Unattended = "source"
    record_prompts: bool = True
    sources: tuple[str, ...] = ()
    """The files that it comes from besides the program."""
    refused: tuple[str, ...] = ()
    """What the repository's file asked for and did not get, one sentence each."""

    @property
    def version(self) -> str:
        """`1` as shipped; else with a part of the SHA-256 of what is in force."""
        if not self.sources:
            return VERSION
        text = json.dumps(self.shown(), sort_keys=True)
        return f"{VERSION}+{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def shown(self) -> dict[str, Any]:
        """As plain values, for people and for the record."""
        return {
            "commands": [asdict(command) for command in self.commands],
            "budgets": asdict(self.budgets),
            "protected_folders": sorted(self.protection.folders),
            "protected_names": sorted(self.protection.names),
            "writable": sorted(self.protection.opened),
            "forbidden_tools": sorted(self.forbidden_tools),
            "unattended": self.unattended,
            "record_prompts": self.record_prompts,
            "sources": list(self.sources),
            "refused": list(self.refused),
        }


def user_file() -> Path:
    """`$LOCUM_POLICY`, or `policy.toml` in the user's configuration directory."""
    chosen = os.environ.get("LOCUM_POLICY")
    return Path(chosen) if chosen else platformdirs.user_config_path("locum") / "policy.toml"


def load(usual: Rules, repository: Path | None) -> Rules:
    """`usual`, as the user's file changes it and the repository's narrows it.

    Raises `BadPolicy` for a file that is there and is no policy: to go on without it could allow
    what it forbids.
    """
    own = user_file()
    rules = usual
    if own.exists():
        rules = _widened(rules, _parse(own.read_bytes()[: LARGEST + 1], own), str(own))
    elif "LOCUM_POLICY" in os.environ:
        raise BadPolicy(f"LOCUM_POLICY names {own}, which does not exist.")
    content = None if repository is None else _repository_file(repository)
    if repository is not None and content is not None:
        place = repository / REPOSITORY_FILE
        rules = _narrowed(rules, _parse(content, place), str(place))
    return rules


def check(file: Path) -> PolicyFile:
    """The policy in `file`; raises `BadPolicy` where it is none."""
    try:
        return _parse(file.read_bytes()[: LARGEST + 1], file)
    except OSError as error:
        raise BadPolicy(f"{file} cannot be read: {error.strerror}.") from error


def _repository_file(repository: Path) -> bytes | None:
    try:
        with Root(repository) as root:
            return root.read(REPOSITORY_FILE, LARGEST + 1)
    except FileNotFoundError:
        return None
    except (OSError, RefusedPath) as error:
        # A link or a FIFO there is no policy, and whatever it leads to is not read.
        raise BadPolicy(f"{repository / REPOSITORY_FILE} cannot be read: {error}") from error


def _parse(content: bytes, place: Path) -> PolicyFile:
    if len(content) > LARGEST:
        raise BadPolicy(f"{place} is no policy: it is larger than {LARGEST:,} bytes.")
    try:
        return PolicyFile.model_validate(tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise BadPolicy(f"{place} is no policy: {where}: {one_line(first['msg'], 120)}.") from error
    except (ValueError, RecursionError) as error:
        raise BadPolicy(f"{place} is no TOML: {one_line(str(error), 120)}.") from error


def _budgets(given: dict[str, int], place: str) -> dict[str, int]:
    known = {one.name for one in fields(Budgets)}
    for name, amount in given.items():
        if name not in known:
            raise BadPolicy(f"{place}: there is no budget {one_line(name, 40)!r}.")
        if amount < 0:
            raise BadPolicy(f"{place}: the budget {name} is negative.")
    return given


def _protected(rules: Rules, policy: PolicyFile) -> Protection:
    folders = {folded(word.rstrip("/")) for word in policy.protected if word.endswith("/")}
    names = {folded(word) for word in policy.protected if not word.endswith("/")}
    usual = rules.protection
    named = Protection(frozenset(names), frozenset(folders))
    return Protection(
        names=usual.names | names,
        folders=usual.folders | folders,
        opened=frozenset(path for path in usual.opened if not named.covers(path)),
    )


def _widened(rules: Rules, policy: PolicyFile, place: str) -> Rules:
    commands = rules.commands
    if policy.commands is not None:
        commands = tuple(rule.command() for rule in policy.commands)
    protection = replace(_protected(rules, policy), opened=frozenset(policy.writable))
    return Rules(
        commands=commands,
        budgets=replace(rules.budgets, **_budgets(policy.budgets, place)),
        protection=protection,
        forbidden_tools=rules.forbidden_tools | frozenset(policy.forbidden_tools),
        unattended=policy.unattended or rules.unattended,
        record_prompts=rules.record_prompts
        if policy.record_prompts is None
        else policy.record_prompts,
        sources=(*rules.sources, place),
    )


def _narrowed(rules: Rules, policy: PolicyFile, place: str) -> Rules:
    asked = _budgets(policy.budgets, place)
    budgets = {name: min(amount, getattr(rules.budgets, name)) for name, amount in asked.items()}
    commands = rules.commands
    if policy.commands is not None:
        wanted = [rule.command() for rule in policy.commands]
        commands = tuple(command for command in rules.commands if command in wanted)
    unattended = min(rules.unattended, policy.unattended or rules.unattended, key=_ORDER.index)
    return replace(
        rules,
        commands=commands,
        budgets=replace(rules.budgets, **budgets),
        protection=_protected(rules, policy),
        forbidden_tools=rules.forbidden_tools | frozenset(policy.forbidden_tools),
        unattended=unattended,
        sources=(*rules.sources, place),
        refused=tuple(_refused(rules, policy)),
    )


def _refused(rules: Rules, policy: PolicyFile) -> Iterator[str]:
    """What a repository's file would widen."""
    by = "The repository's policy"
    for rule in policy.commands or ():
        if rule.command() not in rules.commands:
            yield f"{by} may not add the command {one_line(' '.join(rule.argv), 60)!r}."
    for name, amount in policy.budgets.items():
        if amount > getattr(rules.budgets, name):
            yield f"{by} may not raise the budget {name}."
    for path in policy.writable:
        yield f"{by} may not open {one_line(path, 60)!r}."
    if policy.unattended and _ORDER.index(policy.unattended) > _ORDER.index(rules.unattended):
        yield f"{by} may not have {policy.unattended} applied unattended."
    if policy.record_prompts is not None:
        yield f"{by} does not decide what the record keeps."
