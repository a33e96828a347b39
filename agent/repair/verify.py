"""Candidates against the repository's own tests: cheap refusals first, the whole suite last."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence

from agent.repair.affordable import covers, edited_lines, is_slow, near
from agent.repair.ahead import Admitted, Ahead, CandidateRunner, OtherLanes, no_others
from agent.repair.budget import Budget, Clock
from agent.repair.edit import SourceReader, edited_files, read_source
from agent.repair.outcomes import passed_targets, regressed
from agent.repair.seams import Candidate, Evidence, Language, Span, Verdict
from tools.report import Outcome

FEW_TARGETS, MANY_TARGETS, SLOW_TARGETS = 8, 24, 0.5
"""With more failing tests than many, or than few that together took more than these seconds before
any edit, a candidate's run stops at the first that still fails. Else it tells how many of them the
edit mends, which is what two faults behind one suspect are told apart by."""
MAX_COVERING = 40
"""Passing tests that cover an edit and run before the whole suite does."""
MAX_TELLING = 20
"""Tests that failed in runs of the whole suite and run before all others from then on."""
FEWEST = 4
"""For fewer candidates in a batch no other lane is opened."""
NEAR_SECONDS = 5.0
"""What the passing tests near an edit may take where the whole suite is too slow to follow them."""


class SearchVerifier:
    """Failing tests first, then those that ran the edited lines, then the whole suite.

    Where the whole suite is slow it is left to the caller, who confirms the winner in a clean
    process in any case.
    """

    def __init__(
        self,
        runner: CandidateRunner,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        patience: int = 0,
        patience_seconds: float = 0.0,
        whole_runs: int = 8,
        clock: Clock = time.monotonic,
        others: OtherLanes = no_others,
    ) -> None:
        """`patience`: how many more candidates are tried behind the first survivor; 0: all.
        More than that are tried until `patience_seconds` have passed since.

        `whole_runs`: survivors of one batch that the whole suite is run for; those behind them
        rest on the failing tests and the tests near the edit.

        `others` run the failing tests for the candidates behind the one that is judged; what is
        judged, how, and in which order does not depend on them.
        """
        self._runner = runner
        self._languages = tuple(languages)
        self._reader = reader
        self._patience = patience
        self._patience_seconds = patience_seconds
        self._whole_runs = whole_runs
        self._clock = clock
        self._others = others
        self._seen: dict[tuple[tuple[str, ...], frozenset[str]], set[tuple[str, ...]]] = {}
        self._telling: list[str] = []

    def verify(
        self, candidates: Sequence[Candidate], evidence: Evidence, budget: Budget
    ) -> Generator[Verdict, None, None]:
        trial = _Trial(evidence, self._languages, self._reader)
        # Rounds overlap: what failed in one is not run again in the next, for the same tests and
        # with the same others failing: a fault that was mended in between may have hidden a mend.
        state = (trial.targets, frozenset(test.id for test in trial.baseline.failing))
        trial.seen |= self._seen.get(state, set())
        self._seen[state] = trial.seen
        behind, patient_until = 0, 0.0
        with self._ahead(candidates, trial, budget) as ahead:
            for candidate in candidates:
                started = self._clock()
                impatient = self._patience and behind > self._patience and started >= patient_until
                if budget.spent or impatient:
                    return
                verdict = self._judge(candidate, trial, ahead, budget)
                verdict = verdict.model_copy(update={"seconds": self._clock() - started})
                if not behind and verdict.survives:
                    patient_until = self._clock() + self._patience_seconds
                behind += not verdict.rejected and (verdict.survives or behind > 0)
                yield verdict

    def _ahead(self, candidates: Sequence[Candidate], trial: _Trial, budget: Budget) -> Ahead:
        others = self._others() if len(candidates) >= FEWEST else ()
        return Ahead(
            map(trial.admit, candidates),
            trial.forget,
            (self._runner, *others),
            trial.targets,
            stop_at_first=trial.stops_at_first,
            over=lambda: budget.spent,
        )

    def _judge(self, candidate: Candidate, trial: _Trial, ahead: Ahead, budget: Budget) -> Verdict:
        total = len(trial.targets)
        admitted, report = ahead.take()
        if report is None:
            return Verdict(
                candidate=candidate,
                target_passed=0,
                target_total=total,
                rejected=admitted.rejected,
            )
        budget.test_runs_used += 1
        passed = passed_targets(trial.targets, report)
        worse, whole = self._wider(candidate, admitted.files, trial, ahead, budget, passed)
        return Verdict(
            candidate=candidate,
            target_passed=passed,
            target_total=total,
            regressions=worse,
            whole_suite=whole,
        )

    def _wider(
        self,
        candidate: Candidate,
        files: Mapping[str, str],
        trial: _Trial,
        ahead: Ahead,
        budget: Budget,
        passed: int,
    ) -> tuple[tuple[str, ...], bool]:
        """Regressions among the tests nearby, then among all; and whether all ran.

        An edit that mends only some of the targets is held against those nearby alone: it may be
        kept, or joined with another one. One that mends none needs no run.
        """
        if not passed:
            return (), False
        slow = is_slow(trial.baseline, budget.seconds_spent + budget.seconds_left)
        # Edits of one place break the same tests: what an earlier one broke costs no whole run.
        telling = [name for name in self._telling if name in trial.good]
        found = trial.nearby(candidate) if slow else trial.covering(candidate)
        nearby = tuple(dict.fromkeys((*telling, *found)))
        if nearby:
            budget.test_runs_used += 1
            worse = regressed(nearby, ahead.run(files, nearby, stop_at_first=True))
            if worse:
                return worse, False
        if passed < len(trial.targets):
            return (), False
        if trial.others <= len(nearby):
            return (), not trial.baseline.timed_out
        if slow or trial.whole_runs >= self._whole_runs:
            return (), False
        trial.whole_runs += 1
        budget.test_runs_used += 1
        worse = regressed(trial.passing, ahead.run(files, None))
        self._telling = list(dict.fromkeys((*worse, *self._telling)))[:MAX_TELLING]
        return worse, True


class _Trial:
    """What one round of verification knows about the code before any edit."""

    def __init__(
        self, evidence: Evidence, languages: Sequence[Language], reader: SourceReader
    ) -> None:
        self._evidence = evidence
        self._languages = languages
        self._reader = reader
        self._sources: dict[str, str] = {}
        self._spans: dict[str, tuple[Span, ...]] = {}
        self.seen: set[tuple[str, ...]] = set()
        self.targets = tuple(test.id for test in evidence.failing)
        self.baseline = evidence.baseline
        self.passing = evidence.baseline.ids(Outcome.PASSED)
        self.good = frozenset(self.passing)
        self.whole_runs = 0
        usual = sum(test.seconds for test in evidence.failing)
        most = FEW_TARGETS if usual > SLOW_TARGETS else MANY_TARGETS
        self.stops_at_first = len(self.targets) > most
        self.others = len([name for name in self.passing if name not in self.targets])
        for verdict in evidence.tried:
            self.admit(verdict.candidate)

    def admit(self, candidate: Candidate) -> Admitted:
        """The edited files, or why the candidate is not worth a run."""
        try:
            for splice in candidate.splices:
                self._load(splice.path)
            files = edited_files(candidate.splices, self._sources)
        except (OSError, KeyError, ValueError) as error:
            return Admitted({}, f"cannot be laid over the code: {error}")
        for path in files:
            language = self._language(path)
            if language is not None and language.is_test(path):
                return Admitted({}, f"edits the tests: {path}")
        return self._novel(candidate, files)

    def forget(self, admitted: Admitted) -> None:
        """It was not judged after all, and may be in a later round."""
        self.seen.discard(admitted.key)

    def _novel(self, candidate: Candidate, files: dict[str, str]) -> Admitted:
        key: list[str] = []
        changed = False
        for path, text in sorted(files.items()):
            before, after, where = self._fragments(candidate, path, text)
            language = self._language(path)
            if language is None:
                old, new = before, after
            elif not language.parses(text):
                return Admitted({}, "does not parse")
            else:
                old, new = language.fingerprint(before), language.fingerprint(after)
            changed = changed or old != new
            key += [path, where, new]
        if not changed:
            return Admitted({}, "same as the code")
        if tuple(key) in self.seen:
            return Admitted({}, "seen already")
        self.seen.add(tuple(key))
        return Admitted(files, key=tuple(key))

    def _fragments(self, candidate: Candidate, path: str, text: str) -> tuple[str, str, str]:
        """The outermost span around all splices, before and after: cheaper than whole files."""
        source = self._sources[path]
        splices = [splice for splice in candidate.splices if splice.path == path]
        first, last = min(s.start for s in splices), max(s.end for s in splices)
        for span in self._spans[path]:
            start = source.rfind("\n", 0, span.start) + 1
            if not span.is_class and start <= first and last <= span.end:
                end = span.end + len(text) - len(source)
                return source[start : span.end], text[start:end], str(span.start)
        return source, text, ""

    def covering(self, candidate: Candidate) -> tuple[str, ...]:
        """Passing tests that ran an edited line, at most forty."""
        edited = edited_lines(candidate.splices, self._sources)
        found = [
            test.id
            for test in self.baseline.results
            if test.outcome is Outcome.PASSED and covers(test, edited)
        ]
        return tuple(found[:MAX_COVERING])

    def nearby(self, candidate: Candidate) -> tuple[str, ...]:
        """Passing tests near the edit, a few seconds of them."""
        edited = edited_lines(candidate.splices, self._sources)
        return near(self.baseline, edited, self.targets, NEAR_SECONDS)

    def _load(self, path: str) -> None:
        if path not in self._sources:
            self._sources[path] = self._reader(self._evidence.root, path)
            language = self._language(path)
            self._spans[path] = language.spans(self._sources[path]) if language else ()

    def _language(self, path: str) -> Language | None:
        return next((lang for lang in self._languages if lang.owns(path)), None)
