"""`agent completion`: what a shell needs to complete commands, options and runs."""

from __future__ import annotations

import click

_HOW = {
    "bash": "echo 'eval \"$(agent completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(agent completion zsh)\"' >> ~/.zshrc",
    "fish": "agent completion fish > ~/.config/fish/completions/agent.fish",
}


@click.command(epilog="\b\nExamples:\n" + "\n".join(f"  {line}" for line in _HOW.values()))
@click.argument("shell", type=click.Choice(sorted(_HOW)))
def completion(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from agent.cli import main

    found = get_completion_class(shell)
    assert found is not None, "click knows the three shells"
    click.echo(found(main, {}, "agent", "_AGENT_COMPLETE").source())
