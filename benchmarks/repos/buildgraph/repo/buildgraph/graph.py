"""Targets and what they are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class UnknownTarget(KeyError):
    """A name that is not in the graph."""

    def __str__(self) -> str:
        return f"no target {self.args[0]!r}"


@dataclass(frozen=True)
class Target:
    """Something to build: `cost` in seconds, `needs` in the order in which they are named."""

    name: str
    needs: tuple[str, ...] = ()
    cost: float = 1.0


class Graph:
    """Targets by name."""

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        self._targets: dict[str, Target] = {}
        for target in targets:
            self.add(target)

    def add(self, target: Target) -> None:
        if target.name in self._targets:
            raise ValueError(f"{target.name} is there already")
        self._targets[target.name] = target

    def __getitem__(self, name: str) -> Target:
        try:
            return self._targets[name]
        except KeyError:
            raise UnknownTarget(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def __len__(self) -> int:
        return len(self._targets)

    def users(self, name: str) -> list[str]:
        """The targets that need one directly, in the order in which they were added."""
        return [target.name for target in self if name in target.needs]

    def dependents(self, *names: str) -> set[str]:
        """Everything that needs one of the targets, directly or not, without themselves."""
        found: set[str] = set()
        open_ends = [self[name].name for name in names]
        while open_ends:
            for user in self.users(open_ends.pop()):
                if user not in found:
                    found.add(user)
                    open_ends.append(user)
        return found - set(names)
