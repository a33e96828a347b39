"""`agent fix` as a user calls it, for bugs, with a served model: its report and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from agent.cli import main
from runtime.client import Endpoint


def mended(root: Path, served: Endpoint, budget: str = "60s") -> tuple[dict[str, Any], str]:
    """The JSON report, which lies beside the repository, and the output."""
    file = root.parent / "report.json"
    words = ["fix", root, "--yes", "--only", "bugs", "--budget", budget, "--json", file]
    result = CliRunner().invoke(main, [*map(str, words), "--endpoint", served.base_url])
    report: dict[str, Any] = json.loads(file.read_text())
    assert result.exit_code == report["exit_status"], result.output
    return report, result.output
