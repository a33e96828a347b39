"""`agent bench`: how much of a set of broken repositories is mended, how well and how fast."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from agent.bench import folders, humaneval
from agent.bench.campaign import Campaign, choose
from agent.bench.case import Case
from agent.bench.results import Result, Settings
from agent.bench.table import line, render
from agent.bench.totals import total
from agent.bench.trees import TreeTests
from agent.bench.trial import Trials
from agent.cli.settings import Duration
from agent.host import LocalHost, RemoteHost
from agent.thinker import Host
from runtime.models import DEFAULT_MODEL
from tools import sandbox

OUT = Path("benchmarks/results")
TABLE, TOTALS, RECORDS = "table.md", "totals.json", "records"


@click.command()
@click.option(
    "--tasks",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Tasks as HumanEvalFix JSON Lines.",
)
@click.option(
    "--repos",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="A folder of broken repositories.",
)
@click.option("--only", metavar="ID[,ID]", default="", help="Only these tasks.")
@click.option("--every", type=click.IntRange(1), default=1, metavar="K", help="Every K-th task.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N of them.")
@click.option("--budget", type=Duration(), default=60.0, show_default="60s", help="For each task.")
@click.option("--strategies", metavar="NAME[:N],…", default="", help="Only these; N: its first N.")
@click.option(
    "--seed", type=int, metavar="N", default=0, show_default=True, help="Of the model's samples."
)
@click.option(
    "--model", metavar="ID", default=DEFAULT_MODEL, show_default=True, help="Or a GGUF file."
)
@click.option("--endpoint", metavar="URL", help="Use this OpenAI-compatible server (…/v1).")
@click.option("--resume", is_flag=True, help="Keep the results in --out; run the other tasks.")
@click.option("--keep-records", is_flag=True, help="Keep each run's record in --out too.")
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=OUT,
    show_default=True,
    help="Where results and table are kept.",
)
def bench(
    *,
    tasks: Path | None,
    repos: Path | None,
    only: str,
    every: int,
    limit: int | None,
    budget: float,
    strategies: str,
    seed: int,
    model: str,
    endpoint: str | None,
    resume: bool,
    keep_records: bool,
    out: Path,
) -> None:
    """Mend every task of a set, then run tests on the mend that the search never saw.

    The exit status is 0 when every task has a result, whatever it is.
    """
    if not tasks and not repos:
        raise click.UsageError("Name the tasks: --tasks FILE.jsonl, --repos FOLDER, or both.")
    settings = Settings(
        tasks=", ".join(str(source) for source in (tasks, repos) if source),
        model=model,
        endpoint=endpoint or "",
        budget_seconds=budget,
        seed=seed,
        strategies=_words(strategies),
    )
    cases = choose(_load(tasks, repos), _words(only), every, limit)
    campaign = Campaign(out, settings, resume=resume)
    left = campaign.left(cases)
    if left:
        with _host(settings) as host:
            trials = Trials(
                settings, host, TreeTests(sandbox.choose()), out / RECORDS if keep_records else None
            )
            _run(campaign, left, trials)
    text = render(settings, campaign.results)
    (out / TABLE).write_text(text, "utf-8")
    totals = total(campaign.results).model_dump_json(indent=2)
    (out / TOTALS).write_text(totals + "\n", "utf-8")
    click.echo(text, nl=False)
    click.echo(f"Table, totals and results: {out}", err=True)


def _run(campaign: Campaign, left: Sequence[Case], trials: Trials) -> None:
    """A line for each result, and a bar where there is a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(left))

        def measure(case: Case) -> Result:
            progress.update(bar, description=case.id)
            return trials.run(case)

        for number, result in enumerate(campaign.run(left, measure), 1):
            progress.advance(bar)
            console.print(f"[{number}/{len(left)}] {line(result)}", markup=False)


def _load(tasks: Path | None, repos: Path | None) -> list[Case]:
    cases: list[Case] = []
    cases += humaneval.load(tasks) if tasks else []
    cases += folders.load(repos) if repos else []
    return cases


@contextmanager
def _host(settings: Settings) -> Iterator[Host]:
    """One model for all runs: loaded here, unless somebody's endpoint was named."""
    token = os.environ.get("LOCUM_TOKEN", "local")
    if settings.endpoint:
        yield RemoteHost(settings.endpoint, token, settings.model)
        return
    local = LocalHost(settings.model)
    try:
        endpoint = local.start(lambda _: None)
        yield RemoteHost(endpoint.base_url, endpoint.token, endpoint.model)
    finally:
        local.stop()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
