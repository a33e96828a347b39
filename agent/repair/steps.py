"""The steps of the usual search, and what each is expected to be worth before anything is learnt.

Chances are shares of bugs that were mended by the step, among those whose suspect was the right
one; seconds are the model's on two cores, between those of a quick machine and those of one that
reads 35 tokens a second. Chances of the later templates go by where the right edit stands for some
sixty bugs of public libraries and of this project's own repositories: seven within 400 to 1,000,
one within 1,000 to 2,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from agent.repair.branch import Brancher, BranchProposer
from agent.repair.combine import PairProposer
from agent.repair.complete import Completed
from agent.repair.converse import ConverseProposer, ReadingTools, Talker
from agent.repair.edit import SourceReader
from agent.repair.infill import Filler, InfillProposer
from agent.repair.likelihood import Scorer
from agent.repair.remembered import Remembered
from agent.repair.rewrite import GREEDY, SAMPLED, RewriteProposer, Sampler
from agent.repair.schedule import Step
from agent.repair.seams import Language, Proposer
from agent.repair.trace import TraceProposer, Watcher

SUSPECTS = 8
"""Suspects that branches are asked for; the fault was among them in 54 of 62 measured bugs."""
BRANCHES = ((12, 0.42, 8.0), (32, 0.10, 10.0), (128, 0.15, 25.0))
"""How many of the likeliest branches are asked for, by and by, with the chance and the seconds of
each. Following 30 of them takes three quarters of the time of a question about a small function, so
few come first, though the next question follows them again. With 16 instead of 12 the 82 small bugs
took 2 % longer in all (1.7 s for each first question, ten second ones fewer), the median mend 2 s.
"""
BLOCKS = 32
"""Beginnings of lines that are followed to the end of their block, at many times the tokens."""
TRACED = 2
"""Suspects whose values are looked at."""
TRACE_SPREAD = ((1, 0.0), (7, 0.8))


class Model(Brancher, Filler, Scorer, Talker, Protocol):
    """What the search asks of a model: samples for those who rewrite, turns with tools for those
    who converse."""


@dataclass(frozen=True)
class Helpers:
    """What some strategies need beside the model; those that lack it are left out."""

    watcher: Watcher | None = None
    """Tells what values a suspect saw."""
    tools: ReadingTools | None = None
    escalation: Sampler | None = None
    """A second, larger model."""


def usual_steps(
    model: Model,
    templates: Proposer,
    languages: Sequence[Language],
    reader: SourceReader,
    helpers: Helpers,
) -> list[Step]:
    """Every strategy there is, in slices that are worth being chosen one by one."""
    brancher = Remembered(model)
    asked = [
        *_asked(model, brancher, languages, reader),
        *_helped(model, brancher, languages, reader, helpers),
    ]
    # A model that is shown a function does not see what its file imports.
    return _worked_out(templates) + [
        replace(step, proposer=Completed(step.proposer, languages, reader=reader)) for step in asked
    ]


def _worked_out(templates: Proposer) -> list[Step]:
    """Those that need no model."""
    return [
        Step("template 60", templates, 0, 60, chance=0.30, candidates=60),
        Step("template 400", templates, 60, 400, chance=0.15, candidates=340),
        Step("template 1000", templates, 400, 1_000, chance=0.10, candidates=600),
        Step("template 2000", templates, 1_000, 2_000, chance=0.03, candidates=1_000),
        Step("pair first", PairProposer(templates), 0, 40, candidates=40, follows=True),
        Step("pair", PairProposer(templates), 0, 300, chance=0.05, candidates=150),
    ]


def _asked(
    model: Model, brancher: Brancher, languages: Sequence[Language], reader: SourceReader
) -> list[Step]:
    greedy = RewriteProposer(model, languages, reader=reader, spread=GREEDY, name="greedy")
    rewrite = RewriteProposer(model, languages, reader=reader, spread=SAMPLED)
    steps = [
        # The first answers are the best, and a step's candidates are tested when all are there.
        Step("greedy", greedy, chance=0.01, seconds=25.0, candidates=2),
        Step("rewrite", rewrite, 0, 64, chance=0.03, seconds=130.0, candidates=25),
    ]
    for rank in range(SUSPECTS):
        for count, chance, seconds in BRANCHES:
            branch = BranchProposer(brancher, languages, reader=reader, rank=rank, count=count)
            name = f"branch {count}"
            steps.append(
                Step(name, branch, suspect=rank, chance=chance, seconds=seconds, candidates=count)
            )
        steps.append(_blocks(brancher, languages, reader, rank))
    for first, last, chance in ((0, 8, 0.03), (8, 16, 0.02)):
        infill = InfillProposer(model, languages, reader=reader, first=first, last=last)
        steps.append(Step(f"infill {last}", infill, chance=chance, seconds=30.0, candidates=40))
    return steps


def _blocks(
    brancher: Brancher, languages: Sequence[Language], reader: SourceReader, rank: int
) -> Step:
    """What the model would put in front of a line, or in place of some: guards, `elif` branches."""
    branch = BranchProposer(
        brancher,
        languages,
        reader=reader,
        rank=rank,
        count=0,
        line_starts=BLOCKS,
        lines=6,
        rejoin=4,
        max_tokens=64,
    )
    return Step("branch blocks", branch, suspect=rank, chance=0.25, seconds=30.0, candidates=60)


def _helped(
    model: Model,
    brancher: Brancher,
    languages: Sequence[Language],
    reader: SourceReader,
    helpers: Helpers,
) -> list[Step]:
    steps = []
    if helpers.watcher is not None:
        # Branches, then a few rewrites, with the values seen in the question.
        asked = (
            BranchProposer(brancher, languages, reader=reader),
            RewriteProposer(model, languages, reader=reader, spread=TRACE_SPREAD),
        )
        for rank in range(TRACED):
            trace = TraceProposer(helpers.watcher, asked, rank=rank)
            steps.append(
                Step("trace", trace, suspect=rank, chance=0.08, seconds=45.0, candidates=120)
            )
    if helpers.tools is not None:
        converse = ConverseProposer(model, helpers.tools, languages, reader=reader)
        steps.append(Step("converse", converse, chance=0.002, seconds=60.0, candidates=8))
    if helpers.escalation is not None:
        # Code leaves the machine for it: only when all else has failed, and no more than it takes.
        for name, spread in (("escalate", GREEDY), ("escalate 16", SAMPLED)):
            larger = RewriteProposer(
                helpers.escalation, languages, spread=spread, reader=reader, name="escalate"
            )
            count = sum(samples for samples, _ in spread)
            steps.append(Step(name, larger, chance=0.0, seconds=4.0 * count, candidates=count))
    return steps
