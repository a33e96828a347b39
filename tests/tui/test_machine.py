"""What the first screen says about this machine, really looked at."""

from __future__ import annotations

from typing import Any

from screens import text_of, until
from textual.pilot import Pilot


def test_model_memory_disk_and_sandboxes_are_told(drive: Any) -> None:
    async def scenario(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: "sandbox landlock" in text_of(pilot.app.screen, "#findings"))
        told = text_of(pilot.app.screen, "#findings")
        for name in ("model", "memory", "disk", "sandbox bubblewrap"):
            assert f" {name}\n" in told, told
        assert {line[0] for line in told.splitlines() if line[1:2] == " "} <= set("✓!✗→")

    drive(scenario)
