"""Builds what one run works with, from its task; nothing else knows which parts exist."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import home, learning
from agent.alarm import Alarm
from agent.deps import Cancelled, Deps
from agent.errors import UnknownStrategy, Unusable
from agent.escalation import EscalationHost, escalated
from agent.events import Doing, Event, Note, TestsProgress
from agent.host import LocalHost, RemoteHost
from agent.lanes import FirstLane, SecondLane
from agent.left_out import LeftOut
from agent.provenance import Provenance
from agent.reading import GatewayReading
from agent.recency import recency
from agent.record import Record
from agent.repair.assembly import assemble
from agent.repair.budget import Budget, Clock
from agent.repair.edit import SourceReader
from agent.repair.steps import Helpers
from agent.state import Task
from agent.thinker import Host, Thinker
from agent.tracing import Prompts, Trace
from agent.trials import GatewayTrials, TestBench
from runtime.models import ModelStore, is_file_name
from tools import branch, git, rules
from tools.gateway import Gateway, ToolResult
from tools.policy import Budgets, Policy, stop_file
from tools.risk import Watch
from tools.rules import Rules
from tools.sandbox import Proof, Sandbox, choose_proven
from tools.testing import TestPlan, TestRunner, detect
from tools.toolbox import build_toolbox
from tools.workspace import Workspace

# A candidate is one write and one test run, and a search tries thousands.
BUDGETS = Budgets(calls=100_000, test_runs=50_000, writes=50_000, bytes_written=4 << 30)
USUAL = Rules(budgets=BUDGETS)
"""The policy of `agent fix` where no file says otherwise."""
LONGEST_RUN = 900.0
"""Seconds that one run of the whole suite may take."""
Emit = Callable[[Event], None]


def build_deps(
    task: Task,
    run_id: str,
    directory: Path,
    emit: Emit,
    cancelled: threading.Event,
    stack: ExitStack,
    host: Host | None = None,
    clock: Clock = time.monotonic,
) -> Deps:
    """Raises ToolsError or Unusable, one sentence each, for what cannot be worked with.

    `host` is where the model runs when the caller has one already; else the task says it.
    `clock` is what the budget is measured on, in seconds.
    """
    source = Path(task.path)
    require_repository(source)
    if task.branch and not (directory / home.RECORD).exists():
        branch.check(source, task.branch)
    host = host or _host(task)
    ruled = rules.load(USUAL, source)
    for text in ruled.refused:
        emit(Note(text=text, level="warning"))
    plan = detect(source, task.test_command)
    emit(Doing(text="Trying the sandbox"))
    sandbox, proofs = choose_proven(allow_unsandboxed=task.allow_unsandboxed)
    emit(Doing(text=f"Copying {source}"))
    workspace = _workspace(source, directory / home.WORKSPACE)
    stack.callback(workspace.close)
    record = Record(directory / home.RECORD)
    stack.callback(record.close)
    budget = Budget(deadline=clock() + task.budget_seconds, clock=clock)
    runner = TestRunner(plan, workspace.root, sandbox, timeout=LONGEST_RUN)
    bench = TestBench(
        runner, workspace, lambda done, total: emit(TestsProgress(done=done, total=total)), stack
    )
    switches = [stop_file(home.state_root()), directory / home.STOP]
    policy = ruled_policy(ruled, switches)
    facts = _facts(task, source, plan, sandbox, record)
    watch = Watch(Alarm(policy, record, emit, facts))
    toolbox = build_toolbox(workspace, sandbox, policy, bench, watch.look)
    provenance = Provenance()
    provenance.issue(task.issue)
    trace = Trace(record, workspace, provenance, emit)
    gateway = Gateway(toolbox, policy, trace.on_call, trace.on_ruling)
    kept = Prompts(provenance, texts=ruled.record_prompts)

    def check() -> None:
        if cancelled.is_set():
            raise Cancelled("The run was interrupted.")

    thinker = Thinker(host, budget, record, emit, admit=watch.admit, check=check, kept=kept)
    stack.callback(thinker.close)

    def call(tool: str, **arguments: Any) -> ToolResult:
        check()
        return gateway.call(tool, arguments, caller="harness")

    trials = GatewayTrials(call, workspace)
    made_in = directory / home.WORKSPACE
    first = FirstLane(plan, made_in, workspace, sandbox, policy, bench, gateway, trace)
    second_lane = SecondLane(first, check, emit, stack)
    escalation = None
    if task.escalate is not None:
        second = EscalationHost(task, record, emit, lambda url: facts.update(escalated=url))
        escalation = Thinker(second, budget, record, emit, thinker.totals, watch.admit, check, kept)
        stack.callback(escalation.close)
    try:
        parts = assemble(
            thinker,
            trials,
            reading(workspace, provenance),
            task.strategies,
            # Changed inputs may make code do what its tests never did: never outside a sandbox.
            probe=sandbox.level != "none",
            issue=task.issue,
            helpers=Helpers(trials, GatewayReading(gateway), escalation),
            history=learning.frozen(directory),
            others=second_lane,
            recent=lambda may: recency(source, filter(may, workspace.manifest.files)).newest(),
            hear=LeftOut(record, emit),
        )
    except ValueError as error:
        raise UnknownStrategy(str(error)) from error
    _write_start(record, task, facts, ruled, proofs)
    return Deps(
        task=task,
        run_id=run_id,
        home=directory,
        workspace=workspace,
        gateway=gateway,
        call=call,
        rules=ruled,
        thinker=thinker,
        language=parts.language,
        clones=parts.clones,
        localizer=parts.localizer,
        search=parts.search,
        verifier=parts.verifier,
        ranker=parts.ranker,
        reproducer=parts.reproducer,
        budget=budget,
        record=record,
        trace=trace,
        emit=emit,
        facts=facts,
    )


def require_repository(source: Path) -> None:
    """Raises Unusable for what no run can begin on."""
    if not source.exists():
        raise Unusable(f"{source} does not exist; give the path of a repository.")
    if not source.is_dir():
        raise Unusable(f"{source} is not a directory; give the path of a repository.")
    if not os.access(source, os.R_OK | os.X_OK):
        raise Unusable(f"{source} cannot be read by this user; change its permissions.")
    if not any(source.iterdir()):
        raise Unusable(f"{source} is empty; give the path of a repository with tests.")


def _workspace(source: Path, directory: Path) -> Workspace:
    """The copy of this run: made once, opened again when the run is resumed."""
    if (directory / "manifest.json").is_file():
        workspace = Workspace.open(directory)
        workspace.recover()
        return workspace
    directory.mkdir(exist_ok=True)
    return Workspace.create(source, directory)


def _host(task: Task) -> LocalHost | RemoteHost:
    if task.endpoint is None:
        if not is_file_name(task.model):
            ModelStore().find(task.model)
        return LocalHost(task.model)
    return RemoteHost(task.endpoint, os.environ.get("LOCUM_TOKEN", "local"), task.model)


def ruled_policy(ruled: Rules, switches: Sequence[Path]) -> Policy:
    """What decides the calls of one session, which counts from zero."""
    return Policy(
        commands=ruled.commands,
        budgets=ruled.budgets,
        kill_switches=switches,
        protection=ruled.protection,
        forbidden=ruled.forbidden_tools,
        version=ruled.version,
    )


def reading(workspace: Workspace, provenance: Provenance) -> SourceReader:
    """The search's reader: what it reads of the copy may enter a prompt."""

    def read(root: Path, path: str) -> str:  # noqa: ARG001 - the copy is the only root
        text = workspace.read(path)
        provenance.file(path, text)
        return text

    return read


def _write_start(
    record: Record, task: Task, facts: dict[str, Any], ruled: Rules, proofs: Sequence[Proof]
) -> None:
    """What the run was asked for, what holds it, and how that was proven."""
    record.write(
        "started",
        task=task.model_dump(mode="json"),
        facts=facts,
        policy={"version": ruled.version, **ruled.shown()},
        canaries=[asdict(proof) for proof in proofs],
    )


def _facts(
    task: Task, source: Path, plan: TestPlan, sandbox: Sandbox, record: Record
) -> dict[str, Any]:
    """What the summary says of the surroundings."""
    where = git.facts(source)
    return {
        "tests": f"{' '.join(plan.argv)} ({'; '.join(plan.reasons[:1])})",
        "command": list(plan.argv),
        "kind": plan.kind,
        "sandbox": f"{sandbox.name} ({sandbox.level})",
        "commit": where.head,
        "branch": where.branch,
        "local": task.endpoint is None,
        "endpoint": task.endpoint or "",
        "escalated": escalated(record),
    }
