"""The events of a made-up run on the demo, a second apart: what every screen can show, once."""

from __future__ import annotations

from agent import events as ev
from agent.repair.seams import Candidate, Splice, Verdict
from agent.state import Kind, PlanItem, Status

DIFF = '''\
--- a/bank/interest.py
+++ b/bank/interest.py
@@ -12,7 +12,7 @@ def calculate_interest(principal: float, rate: float) -> float:
     """Interest of one year; the rate is in percent."""
     if rate < 0:
         raise ValueError("a rate is never negative")
-    return principal / rate
+    return principal * rate / 100


 def compound(principal: float, rate: float, years: int) -> float:
--- a/bank/transfer.py
+++ b/bank/transfer.py
@@ -8,11 +8,10 @@
 class Transfer:
     def run(self, source: Account, target: Account, amount: float) -> None:
-        if source.balance > amount:
+        if source.balance >= amount:
             source.withdraw(amount)
             target.deposit(amount)
-            log.debug("done")
         else:
             raise InsufficientFunds(source, amount)
'''
FAILING = (
    "tests/test_interest.py::test_interest_of_one_year",
    "tests/test_transfer.py::test_the_whole_balance_can_be_sent",
    "tests/test_transfer.py::test_an_empty_account_sends_nothing",
)
MESSAGES = {
    FAILING[0]: "assert 200.0 == 50.0",
    FAILING[1]: "bank.errors.InsufficientFunds: 100.0 of 100.0",
    FAILING[2]: "Failed: DID NOT RAISE <class 'bank.errors.InsufficientFunds'>",
}


def item(number: int, subject: str, path: str, line: int, status: Status) -> PlanItem:
    candidate = Candidate(
        strategy="branch",
        operator="replace-rest",
        splices=(Splice(path=path, start=0, end=1, text="x"),),
    )
    fixed = status is Status.FIXED
    return PlanItem(
        number=number,
        kind=Kind.BUG,
        title=f"1 failing test: {MESSAGES[FAILING[number - 1]]}",
        path=path,
        first_line=line,
        last_line=line + 6,
        evidence=(
            f"`{FAILING[number - 1]}` fails: `{MESSAGES[FAILING[number - 1]]}`",
            f"suspected is `{subject}`: runs in 1 of 1 failing tests, 0 of 6 passing",
        ),
        targets=(FAILING[number - 1],),
        subject=subject,
        status=status,
        tried=41 if fixed else 0,
        survivors=3 if fixed else 0,
        behaviours=2 if fixed else 0,
        agreeing=2 if fixed else 0,
        chosen=Verdict(candidate=candidate, target_passed=1, target_total=1) if fixed else None,
    )


def tried(number: int, passed: int, strategy: str, line: int = 15) -> ev.CandidateTried:
    return ev.CandidateTried(
        item=1,
        number=number,
        strategy=strategy,
        operator={"branch": "replace-rest", "template": "swap-operator"}.get(strategy, "sample 2"),
        path="bank/interest.py",
        line=line,
        passed=passed,
        total=1,
        survived=passed == 1,
        rejected="does not parse" if number % 7 == 3 else "",
        seconds_left=280.0 - number,
    )


def call(tool: str, ok: bool = True, verdict: str = "allow", caller: str = "harness") -> ev.Event:
    return ev.ToolCalled(
        tool=tool,
        caller=caller,
        arguments="{'path': 'bank/interest.py'}",
        verdict=verdict,
        ok=ok,
        seconds=0.12,
        rule="path.refused" if verdict == "deny" else f"{tool}.ordinary",
        summary="the path leads out of the repository" if verdict == "deny" else "40 lines",
    )


def tests(passed: int, what: str) -> ev.TestsFinished:
    failing = FAILING[: 9 - passed]
    return ev.TestsFinished(
        passed=passed,
        total=9,
        failing=failing,
        seconds=1.2,
        what=what,
        messages={name: MESSAGES[name] for name in failing},
    )


SPEECH = """\
**bank/interest.py:15** divides by the rate where interest is a *share* of the principal:

```python
return principal / rate
```

With `rate` in percent it should be `principal * rate / 100`, which the failing test expects.
"""


def planned() -> list[ev.Event]:
    return [
        ev.RunStarted(
            run_id="20261121-130000-ab12",
            path="/home/ada/src/bank",
            sandbox="bubblewrap (full)",
            budget_seconds=300.0,
            model="qwen2.5-coder-1.5b",
        ),
        ev.PhaseStarted(phase="plan", detail="python -m pytest (pytest.ini)"),
        call("run_tests"),
        tests(6, "before"),
        *[call("read_file") for _ in range(4)],
        call("read_file", ok=False, verdict="deny", caller="model"),
        ev.Note(text="tests/test_cli.py::test_clock failed once: flaky", level="warning"),
        *[ev.Token(text=piece) for piece in SPEECH.splitlines(keepends=True)],
        ev.ModelFinished(
            purpose="read",
            prompt_tokens=1830,
            completion_tokens=92,
            cached_tokens=1400,
            seconds=3.1,
            model="qwen2.5-coder-1.5b",
            context=8192,
        ),
        ev.PlanReady(
            items=(
                item(1, "calculate_interest", "bank/interest.py", 12, Status.OPEN),
                item(2, "Transfer.run", "bank/transfer.py", 8, Status.OPEN),
            )
        ),
    ]


def searched() -> list[ev.Event]:
    strategies = ["branch"] * 9 + ["template"] * 5 + ["rewrite"] * 2
    return [
        ev.PhaseStarted(phase="edit", detail="1. bug in bank/interest.py:12, attempt 1"),
        ev.ModelProgress(purpose="branch", tokens=140, rate=31.0),
        ev.ModelFinished(
            purpose="branch",
            prompt_tokens=2210,
            completion_tokens=412,
            cached_tokens=1830,
            seconds=12.4,
            model="qwen2.5-coder-1.5b",
            context=8192,
        ),
        ev.PhaseStarted(phase="verify", detail="16 candidates"),
        *[
            one
            for number, strategy in enumerate(strategies, 1)
            for one in (
                call("run_tests"),
                tried(number, int(number in (4, 11, 16)), strategy, 12 + number % 5),
            )
        ],
        ev.SurvivorsRanked(
            item=1,
            numbers=(4, 16, 11),
            behaviours=2,
            reasons=("changes 1 line; likely", "rewritten; changes 3 lines", "deletes a check"),
        ),
        tests(7, "confirmed"),
        ev.ItemFinished(item=item(1, "calculate_interest", "bank/interest.py", 12, Status.FIXED)),
        ev.ItemFinished(item=item(2, "Transfer.run", "bank/transfer.py", 8, Status.FIXED)),
        tests(9, "confirmed"),
    ]


def approved() -> list[ev.Event]:
    return [
        ev.PhaseStarted(phase="approve"),
        ev.DiffReady(diff=DIFF, files=("bank/interest.py", "bank/transfer.py")),
    ]


def finished() -> list[ev.Event]:
    return [
        ev.Applied(files=("bank/interest.py", "bank/transfer.py")),
        ev.PhaseStarted(phase="summary"),
        ev.Done(
            run_id="20261121-130000-ab12",
            exit_status=0,
            headline="Tests pass: 6 of 9 before, 9 of 9 after",
            summary="# Fix `calculate_interest`\n",
            summary_path="/tmp/summary.md",
            patch_path="/tmp/fix.patch",
            report_path="/tmp/report.json",
        ),
    ]


def whole() -> list[ev.Event]:
    return [*planned(), *searched(), *approved(), *finished()]


def stamped(events: list[ev.Event], start: float = 1_700_000_000.0) -> list[tuple[float, ev.Event]]:
    return [(start + second, event) for second, event in enumerate(events)]
