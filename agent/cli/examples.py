"""What a person types: shown at the end of each command's help."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "resume": (("agent resume 20260102-030405-ab12", "the id is in `agent runs`"),),
    "stop": (
        ("agent stop", "the latest run that has not finished"),
        ("agent stop --all", "every run, and keep new ones out"),
        ("agent stop --lift", "let runs begin again"),
    ),
    "undo": (("agent undo 20260102-030405-ab12", "unless a file was changed since"),),
    "runs": (("agent runs -n 5", "the latest five"), ("agent runs --json", "for programs")),
    "show": (
        ("agent show 20260102-030405-ab12", "its summary once more"),
        ("agent show 20260102-030405-ab12 --json", "its report, for programs"),
    ),
    "ui": (
        ("agent ui ~/src/project", "offers to mend it"),
        ("agent ui --web", "in a browser on this machine"),
        ("agent ui --replay 20260102-030405-ab12", "a run once more"),
    ),
    "replay": (("agent replay 20260102-030405-ab12", "does it repeat, without a model?"),),
    "log": (
        ("agent log 20260102-030405-ab12", "what it did"),
        ("agent log 20260102-030405-ab12 --json", "for programs"),
    ),
    "audit": (("agent audit verify 20260102-030405-ab12", "is its record whole and unchanged?"),),
    "policy": (
        ("agent policy show", "what tools may do"),
        ('agent policy check read_file \'{"path": "../x"}\'', "what would be decided"),
    ),
    "proxy": (
        ("agent proxy --upstream http://127.0.0.1:11434", "heal what shows"),
        ("agent proxy --upstream http://127.0.0.1:11434 --quirk stream=on", "it cannot stream"),
    ),
    "bench": (("agent bench --repos benchmarks/repos --limit 2", "two of the repositories"),),
    "model": (
        ("agent model list", "what there is, and what is here"),
        ("agent model pull", "fetch the default one"),
        ("agent model verify qwen2.5-coder-1.5b", "hold its file against its hash"),
    ),
    "serve": (("LOCUM_TOKEN=secret agent serve --port 8080", "clients send the same token"),),
    "config": (
        ("agent config show", "for this folder"),
        ("agent config show ~/src/project --json", "for programs"),
    ),
    "doctor": (("agent doctor .", "this machine, and how the tests here would run"),),
}


def epilog(name: str) -> str | None:
    """The examples of a command as click prints them unwrapped; None when it has none here."""
    found = EXAMPLES.get(name)
    if found is None:
        return None
    width = max(len(line) for line, _ in found)
    rows = [f"  {line:<{width}}  {text}" for line, text in found]
    return "\n".join(["\b", f"Example{'s' * (len(rows) > 1)}:", *rows])
