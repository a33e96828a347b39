"""What this machine can compute with: cores, instruction sets, memory and GPU."""

import math
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from runtime.errors import NotEnoughMemory

# In the order of their speed for quantised arithmetic, as the processors name them.
SIMD_FLAGS = (
    "ssse3", "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw",
    "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "sve", "sme",
)  # fmt: skip
# Measured for the default model: 28 KiB a token, room for twice the context, and what the engine
# computes in.
BYTES_PER_TOKEN = 2 * 28 * 1024
ENGINE_MEMORY = 500_000_000


@dataclass(frozen=True)
class Gpu:
    """The GPU that llama.cpp could use; memory in bytes, shared with the processor on Apple's."""

    kind: Literal["none", "cuda", "metal"]
    names: tuple[str, ...] = ()
    memory: int = 0


@dataclass(frozen=True)
class Hardware:
    """A machine as this process may use it: limits of a container are taken off; in bytes."""

    system: str
    machine: str
    cpu: str
    physical_cores: int
    """Cores that this process may run on; the number of threads to compute with."""
    simd: tuple[str, ...]
    memory_total: int
    memory_available: int
    gpu: Gpu


def inspect() -> Hardware:
    """Look at the machine; asks the GPU driver, so it may take a second."""
    return Hardware(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu=cpu_model(),
        physical_cores=physical_cores(),
        simd=simd(),
        memory_total=memory_total(),
        memory_available=memory_available(),
        gpu=gpu(),
    )


def physical_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Physical cores this process may use: threads on one core only get in each other's way."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    limit = _read(cgroup / "cpu.max").split()
    if len(limit) == 2 and limit[0].isdigit():
        cores = min(cores, math.ceil(int(limit[0]) / int(limit[1])))
    return max(1, cores)


def memory_total(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory, or the container's limit if that is lower."""
    return min(psutil.virtual_memory().total, _memory_limit(cgroup))


def memory_available(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that can be taken now without swapping."""
    available = psutil.virtual_memory().available
    used = _read(cgroup / "memory.current")
    if used.isdigit():
        # The limit counts the file cache too, which is given back when memory is asked for.
        files = re.search(r"^inactive_file (\d+)", _read(cgroup / "memory.stat"), re.MULTILINE)
        taken = int(used) - (int(files[1]) if files else 0)
        available = min(available, _memory_limit(cgroup) - taken)
    return max(0, available)


def _memory_limit(cgroup: Path) -> int:
    limit = _read(cgroup / "memory.max")
    return int(limit) if limit.isdigit() else sys.maxsize


def require_memory(model_size: int, context: int, available: int | None = None) -> None:
    """Raise NotEnoughMemory unless a model of so many bytes fits with its context in tokens."""
    needed = model_size + context * BYTES_PER_TOKEN + ENGINE_MEMORY
    free = memory_available() if available is None else available
    if free < needed:
        raise NotEnoughMemory(
            f"The model needs {needed / 1e9:.1f} GB of memory but only {free / 1e9:.1f} GB are "
            "free; close other programs, or take a smaller model (`agent model list`)."
        )


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's marketing name."""
    for pattern in (r"^model name\s*:\s*(.+)$", r"^Model\s*:\s*(.+)$"):
        if match := re.search(pattern, _read(cpuinfo), re.MULTILINE):
            return match[1]
    return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor()


def simd(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """Instruction sets of the processor that matter here, slowest first."""
    if match := re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _read(cpuinfo), re.MULTILINE):
        return tuple(flag for flag in SIMD_FLAGS if flag in match[1].split())
    return _apple_simd()


def _apple_simd() -> tuple[str, ...]:
    if sys.platform != "darwin":
        return ()
    if platform.machine() == "arm64":
        listed = _output(["sysctl", "-a", "hw.optional.arm"])
        found = re.findall(r"FEAT_(DotProd|I8MM|SME)\w*: 1", listed)
        names = {"DotProd": "asimddp", "I8MM": "i8mm", "SME": "sme"}
        return ("asimd", *dict.fromkeys(names[name] for name in found))
    listed = _output(["sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"])
    known = listed.lower().replace("avx1.0", "avx").replace(".", "_").split()
    return tuple(flag for flag in SIMD_FLAGS if flag in known)


def gpu() -> Gpu:
    """CUDA if NVIDIA's driver answers, Metal on Apple's own processors."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Gpu("metal", (cpu_model(),), psutil.virtual_memory().total)
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    rows = [row.rsplit(",", 1) for row in _output(query).splitlines() if "," in row]
    if not rows:
        return Gpu("none")
    mebibytes = sum(int(memory) for _, memory in rows if memory.strip().isdigit())
    return Gpu("cuda", tuple(name.strip() for name, _ in rows), mebibytes << 20)


def gpu_memory_free() -> int:
    """Bytes that the GPU can still take, over all of them; 0 without one."""
    found = gpu()
    if found.kind == "metal":
        return memory_available()
    query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    rows = _output(query).splitlines() if found.kind == "cuda" else []
    return sum(int(row) for row in rows if row.strip().isdigit()) << 20


def offloaded_layers(model_size: int, layers: int, context: int, free: int) -> int:
    """How many of a model's layers fit on a GPU with so many bytes free; -1 for all of them.

    A layer that is left out is computed by the processor, which is slower but always works.
    """
    room = free - context * BYTES_PER_TOKEN - ENGINE_MEMORY
    if room >= model_size:
        return -1
    # The output layer counts as one more.
    return max(0, room * (layers + 1) // max(1, model_size))


def _output(argv: list[str]) -> str:
    """What a program prints, or nothing if it is missing, fails or hangs."""
    if shutil.which(argv[0]) is None:
        return ""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
