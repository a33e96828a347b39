"""The settings of the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Level(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True)
class Database:
    url: str
    pool_size: int = 5
    echo: bool = False


@dataclass(frozen=True)
class Logging:
    level: Level = Level.INFO
    file: Path | None = None


@dataclass(frozen=True)
class Settings:
    name: str
    database: Database
    logging: Logging = field(default_factory=Logging)
    hosts: tuple[str, ...] = ()
    timeout: float = 30.0
    debug: bool = False


DEFAULTS: dict[str, object] = {
    "name": "service",
    "database": {"url": "sqlite://", "pool_size": 5},
    "logging": {"level": "info"},
    "hosts": ["localhost"],
}
