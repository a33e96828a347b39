"""Is everything here that `agent fix` needs? One check a concern, each lack with its remedy."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.home import upstreams_root
from runtime.errors import RuntimeFailure
from runtime.hardware import Hardware, inspect, require_memory
from runtime.models import DEFAULT_MODEL, ModelStore
from tools.errors import ToolsError

if TYPE_CHECKING:
    from runtime.proxy.quirks import Quirk

GB = 1e9
CONTEXT = 8192
DISK_WANTED = 2 * GB
"""Free bytes for a model, workspaces and records."""

# Instruction sets of the processor and how llama.cpp reports that it was built for them.
REPORTED = {"avx2": "AVX2", "avx512f": "AVX512", "asimd": "NEON"}

Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """What was found about one concern; a failed one keeps `agent fix` from working."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def examine(repository: Path | None = None) -> Iterator[Finding]:
    """All findings, one after the other because some take a second."""
    hardware = inspect()
    yield from machine(hardware)
    yield engine(hardware)
    yield memory(hardware)
    yield disk(ModelStore().root)
    yield model(ModelStore())
    yield from sandboxes()
    yield git()
    yield from upstreams(upstreams_root())
    if repository is not None:
        yield test_runner(repository)


def machine(hardware: Hardware) -> Iterator[Finding]:
    """Processor and GPU."""
    cores = hardware.physical_cores
    yield Finding("machine", "ok", f"{hardware.system}, {hardware.machine}")
    yield Finding("processor", "ok", f"{hardware.cpu}, {cores} physical cores")
    fast = {"avx2", "asimd"} & set(hardware.simd)
    listed = " ".join(hardware.simd) or "none known"
    if fast:
        yield Finding("SIMD", "ok", listed)
    else:
        yield Finding(
            "SIMD", "warning", listed, "Expect a tenth of the speed; prefer a newer machine."
        )
    gpu = hardware.gpu
    names = ", ".join(gpu.names)
    found = f"{gpu.kind}: {names}, {gpu.memory / GB:.0f} GB" if gpu.names else "none (not needed)"
    yield Finding("GPU", "ok", found)


def engine(hardware: Hardware) -> Finding:
    """What the llama.cpp that was built here reports: it must have been built for this machine."""
    # In a process of its own: a build for another processor dies of an illegal instruction.
    code = "from runtime.engine import system_info; print(system_info())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        return Finding(
            "llama.cpp",
            "failed",
            f"does not load ({last[0]})",
            "Remove .venv and the wheels in the cache directory, then run `make setup`.",
        )
    built = re.findall(r"(\w+) = 1\b", done.stdout)
    if "CUDA" in done.stdout:
        built.append("CUDA")
    found = f"built with {' '.join(built) or 'no instruction sets'}"
    rebuild = "remove .venv and the wheels in the cache directory, then run `make setup`."
    unused = [
        flag for flag, name in REPORTED.items() if flag in hardware.simd and name not in built
    ]
    if unused:
        return Finding(
            "llama.cpp", "warning", f"{found}, not {' '.join(unused)}", f"To use it, {rebuild}"
        )
    if hardware.gpu.kind == "cuda" and "CUDA" not in built:
        remedy = f"To use the GPU, install the CUDA toolkit (nvcc), {rebuild}"
        return Finding("llama.cpp", "warning", f"{found}, not CUDA", remedy)
    return Finding("llama.cpp", "ok", found)


def memory(hardware: Hardware) -> Finding:
    """Room for the default model."""
    found = (
        f"{hardware.memory_available / GB:.1f} of {hardware.memory_total / GB:.1f} GB are available"
    )
    size = ModelStore().find(DEFAULT_MODEL).size
    try:
        require_memory(size, CONTEXT, hardware.memory_available)
    except RuntimeFailure as failure:
        return Finding("memory", "failed", found, str(failure))
    return Finding("memory", "ok", found)


def disk(directory: Path) -> Finding:
    """Room beside the models."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / GB:.0f} GB are free at {existing}"
    if free < DISK_WANTED:
        remedy = "Free some space, or set LOCUM_CACHE to a directory on a larger disk."
        return Finding("disk", "warning", found, remedy)
    return Finding("disk", "ok", found)


def model(store: ModelStore) -> Finding:
    """The default model, verified."""
    try:
        path = store.path(DEFAULT_MODEL)
    except RuntimeFailure as failure:
        return Finding("model", "failed", f"{DEFAULT_MODEL} is not usable", str(failure))
    return Finding("model", "ok", f"{DEFAULT_MODEL}, verified, {path}")


def sandboxes() -> Iterator[Finding]:
    """Every backend, by what its canaries could and could not do; one that holds is enough."""
    from tools.sandbox import Check, doctor

    backends: dict[str, list[Check]] = {}
    for check in doctor():
        backends.setdefault(check.name.partition(":")[0], []).append(check)
    any_holds = any(all(check.ok for check in checks) for checks in backends.values())
    for name, checks in backends.items():
        bad = [check for check in checks if not check.ok]
        if not bad:
            held = ", ".join(check.name.partition(": ")[2] for check in checks)
            yield Finding(name, "ok", f"blocks what it must ({held})")
            continue
        status: Status = "warning" if any_holds else "failed"
        reasons = "; ".join(check.detail for check in bad)
        yield Finding(name, status, reasons, bad[0].remedy)


def upstreams(folder: Path) -> Iterator[Finding]:
    """What `agent proxy` saw of other servers."""
    from runtime.proxy.quirks import known

    for one in known(folder):
        yield upstream(one.upstream, one.seen)


def upstream(url: str, seen: Iterable["Quirk"]) -> Finding:
    """What one server gets wrong."""
    from runtime.proxy.quirks import STORIES

    faults = "; ".join(f"{quirk} ({STORIES[quirk][0]})" for quirk in seen)
    if not faults:
        return Finding(f"upstream {url}", "ok", "nothing wrong was seen")
    remedy = f"Talk to it through `agent proxy --upstream {url}`, which heals this."
    return Finding(f"upstream {url}", "warning", faults, remedy)


def probed(url: str, token: str, say: Callable[[str], None], *, long: bool) -> Finding:
    """Ask a server a few short questions, and say what it got wrong."""
    from runtime.proxy.failures import Failure
    from runtime.proxy.probe import probe

    try:
        memory = probe(url, token, "", say, long=long)
    except Failure as failure:
        return Finding(f"upstream {url}", "failed", str(failure), "Check the address and token.")
    return upstream(url, [quirk for quirk, count in memory.seen.items() if count])


def git() -> Finding:
    """The git program."""
    if (program := shutil.which("git")) is None:
        remedy = "Install it (apt install git, dnf install git, brew install git)."
        return Finding("git", "failed", "missing", remedy)
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Finding("git", "ok", done.stdout.strip())


def test_runner(repository: Path) -> Finding:
    """How the tests of a repository would be run."""
    from tools.testing import detect

    if not repository.is_dir():
        return Finding("test runner", "failed", f"{repository} is no directory", "Check the path.")
    try:
        plan = detect(repository, None)
    except ToolsError as error:
        return Finding("test runner", "failed", "none found", str(error))
    return Finding("test runner", "ok", f"{plan.kind}: {' '.join(plan.argv)}")


def works(findings: Iterable[Finding]) -> bool:
    """Whether `agent fix` can work here."""
    return all(finding.status != "failed" for finding in findings)
