"""Which sandbox works here, proven by trying to get out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import SandboxUnavailable
from tools.sandbox.base import Limits, Sandbox
from tools.sandbox.bubblewrap import Bubblewrap
from tools.sandbox.canaries import Proof, prove
from tools.sandbox.landlock import Landlock, Launched
from tools.sandbox.process import SupervisedProcess

_REMEDIES = {
    "bubblewrap": "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, "
    "apk add bubblewrap util-linux) and allow unprivileged user namespaces.",
    "landlock": "Use Linux 6.2 or newer with Landlock enabled (lsm=landlock,… at boot).",
}
_BACKENDS: Mapping[str, Callable[[], Sandbox]] = {"bubblewrap": Bubblewrap, "landlock": Landlock}


class NoSandbox(Launched):
    """Runs code as the user, unconfined; only after a person allowed it for this run."""

    def __init__(self, *, allow_unsandboxed: bool = False) -> None:
        self._allowed = allow_unsandboxed

    def _start(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None,
        writable: Sequence[Path],
        readable: Sequence[Path],
        limits: Limits,
    ) -> SupervisedProcess:
        if not self._allowed:
            raise SandboxUnavailable(
                "No sandbox works on this machine, so the tests were not run. "
                + _REMEDIES["bubblewrap"]
            )
        return super()._start(argv, cwd, env, writable, readable, limits)


@dataclass(frozen=True)
class Check:
    """One line of `agent doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def choose(*, allow_unsandboxed: bool = False) -> Sandbox:
    """The strongest sandbox that holds here; else one that refuses, unless a person allowed it."""
    return choose_proven(allow_unsandboxed=allow_unsandboxed)[0]


def choose_proven(*, allow_unsandboxed: bool = False) -> tuple[Sandbox, tuple[Proof, ...]]:
    """What `choose` gives, and what came of the canaries in each backend that was tried for it."""
    proofs: list[Proof] = []
    for name, make in _BACKENDS.items():
        try:
            sandbox = make()
        except SandboxUnavailable as error:
            proofs.append(Proof(name, "", problem=str(error)))
            continue
        proofs.append(prove(sandbox))
        if proofs[-1].sound:
            return sandbox, tuple(proofs)
    return NoSandbox(allow_unsandboxed=allow_unsandboxed), tuple(proofs)


def doctor() -> list[Check]:
    """What each backend holds on this machine, strongest first, one check per canary."""
    checks: list[Check] = []
    for name, make in _BACKENDS.items():
        try:
            proof = prove(make())
        except SandboxUnavailable as error:
            proof = Proof(name, "", problem=str(error))
        if proof.problem:
            checks.append(Check(f"sandbox {name}", False, proof.problem, _REMEDIES[name]))
        for canary in proof.canaries:
            ok = canary.blocked and canary.control
            remedy = "" if ok else _REMEDIES[name]
            checks.append(Check(f"sandbox {name}: {canary.name}", ok, canary.detail, remedy))
    return checks
