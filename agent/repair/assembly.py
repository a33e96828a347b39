"""Which parts make up the search: the one place in it that knows every strategy and language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.repair.ahead import CandidateRunner, OtherLanes, no_others
from agent.repair.behaviour import Behaviours
from agent.repair.clones import CloneFinder
from agent.repair.edit import SourceReader
from agent.repair.likelihood import Likelihood
from agent.repair.localize import SpectrumLocalizer
from agent.repair.mistakes import Hear, raised
from agent.repair.python.clones import PythonClones
from agent.repair.python.language import PythonLanguage
from agent.repair.python.newtest import PythonTestWriter
from agent.repair.python.probes import PythonProbes
from agent.repair.python.templates import PythonTemplates
from agent.repair.rank import BehaviourRanker
from agent.repair.reported import ReportLocalizer
from agent.repair.reports import hints
from agent.repair.reproduce import Reproducer
from agent.repair.schedule import History
from agent.repair.seams import Language, Localizer, Ranker, Recent, Verifier, nothing_recent
from agent.repair.search import Search
from agent.repair.steps import Helpers, Model, usual_steps
from agent.repair.templates import TemplateProposer
from agent.repair.verify import SearchVerifier
from tools.errors import ToolsError

PATIENCE, PATIENCE_SECONDS = 40, 4.0
"""Candidates tried behind the first survivor, and all that can be tried in so much time: they were
dear to propose, and the first survivor is right less often than the best."""


@dataclass(frozen=True)
class Parts:
    language: Language
    clones: CloneFinder
    localizer: Localizer
    search: Search
    verifier: Verifier
    ranker: Ranker
    reproducer: Reproducer


def assemble(
    model: Model,
    runner: CandidateRunner,
    reader: SourceReader,
    strategies: Sequence[str] = (),
    *,
    probe: bool = True,
    issue: str = "",
    helpers: Helpers | None = None,
    history: History | None = None,
    others: OtherLanes = no_others,
    recent: Recent = nothing_recent,
    hear: Hear = raised,
) -> Parts:
    """The search over one model and one way to run tests, with all strategies or these only.

    `issue`: untrusted text of a bug report that the localizer goes by, too.
    `others`: what runs candidates beside `runner`.
    `hear` is told of a part of the search that is left out for a mistake of its own.
    `recent` tells which files were changed last: they are suspected a little more.
    `probe`: whether survivors may be compared by running their code on inputs near the tests'.
    Raises ValueError, with the names that there are, for an unknown strategy.
    """

    def read(root: Path, path: str) -> str:
        # The search skips what it cannot read, whatever the workspace calls that.
        try:
            return reader(root, path)
        except ToolsError as error:
            raise FileNotFoundError(path) from error

    python = PythonLanguage()
    languages = (python,)
    templates = TemplateProposer({python.name: PythonTemplates(hear)}, languages, reader=read)
    steps = usual_steps(model, templates, languages, read, helpers or Helpers())
    search = Search(steps, history, hear)
    behaviours = Behaviours(runner, PythonProbes(reader=read), languages, reader=read)
    report = hints(issue)
    localizer = SpectrumLocalizer(languages, reader=read, recent=recent)
    heard = ReportLocalizer(localizer, report, languages, reader=read)
    return Parts(
        language=python,
        clones=PythonClones(read),
        localizer=heard if report else localizer,
        search=search.only(strategies) if strategies else search,
        verifier=SearchVerifier(
            runner,
            languages,
            reader=read,
            patience=PATIENCE,
            patience_seconds=PATIENCE_SECONDS,
            others=others,
        ),
        ranker=BehaviourRanker(
            languages,
            behaviours if probe else None,
            Likelihood(model, languages, reader=read),
            reader=read,
            hear=hear,
        ),
        reproducer=Reproducer(model, PythonTestWriter(read), report),
    )
