"""llama-cpp-python compiled for this very processor, once, and kept in the user's cache.

Only its source is published. The build takes minutes, so the wheel is keyed by all that shapes it
and shared by every checkout of this user. Build tools come from a lock file, not from the machine.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import host
import steps

HERE = Path(__file__).resolve().parent
BUILD_LOCK = HERE / "build.lock"
SOURCE_LOCK = HERE / "llama.lock"
# The image and audio library is not used; leaving it out shortens the compiling.
CPU_ARGUMENTS = "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF"
CUDA_ARGUMENTS = f"{CPU_ARGUMENTS} -DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native"


def obtain(cache: Path, log: Path) -> Path:
    """The wheel for this machine, compiled if it is not cached; raises Lack and StepFailed."""
    arguments = os.environ.get("CMAKE_ARGS")
    if arguments is not None:
        return _cached_or_built(cache, log, arguments)
    if not cuda_compiler():
        return _cached_or_built(cache, log, CPU_ARGUMENTS)
    try:
        return _cached_or_built(cache, log, CUDA_ARGUMENTS)
    except steps.StepFailed as failure:
        print(f"setup: no CUDA: {failure} Going on without the GPU.", flush=True)
        return _cached_or_built(cache, log, CPU_ARGUMENTS)


def _cached_or_built(cache: Path, log: Path, arguments: str) -> Path:
    shelf = cache / "wheels" / key(arguments)
    for wheel in shelf.glob("*.whl"):
        return wheel
    host.require_compilers()
    return _build(shelf, log, arguments)


def key(arguments: str) -> str:
    """Names all that shapes the wheel: its source, the machine, the processor, the options."""
    digest = hashlib.sha256()
    for part in (SOURCE_LOCK.read_text(), BUILD_LOCK.read_text(), machine_key(), arguments):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:20]


def machine_key() -> str:
    """System, C library, architecture, processor features and compiler options from outside."""
    libc = "-".join(platform.libc_ver())
    given = os.environ.get("CMAKE_ARGS", "")
    return "|".join((sys.platform, libc, platform.machine(), processor_features(), given))


def processor_features() -> str:
    """The instruction sets of the processor, sorted; its brand where they are not listed."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        brand = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        return brand.stdout.strip()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return " ".join(sorted(value.split()))
    return platform.processor()


def cuda_compiler() -> str | None:
    """The CUDA compiler, if there is one and a GPU to compile for."""
    compiler = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if compiler is None or shutil.which("nvidia-smi") is None:
        return None
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return compiler if "GPU 0" in listed.stdout else None


def _build(shelf: Path, log: Path, arguments: str) -> Path:
    """Compile in a scratch directory beside the shelf and move the wheel there when whole."""
    shelf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf.parent, prefix="building-") as scratch:
        tools = Path(scratch, "tools")
        steps.run([sys.executable, "-m", "venv", str(tools)], "making the build environment", log)
        pip = [str(tools / "bin" / "python"), "-m", "pip"]
        locked = [*steps.PIP_OPTIONS, "--require-hashes", "-r"]
        steps.run([*pip, "install", *locked, str(BUILD_LOCK)], "fetching the build tools", log)
        # Verbose, because ninja's own `[12/345]` lines are the progress that is shown.
        options = ["--verbose", "--no-deps", "--no-cache-dir", "--no-build-isolation"]
        steps.run(
            [*pip, "wheel", *options, "--wheel-dir", scratch, *locked, str(SOURCE_LOCK)],
            "compiling llama.cpp (once)",
            log,
            counter=steps.Counter(r"^\s*\[(?P<done>\d+)/(?P<all>\d+)\]"),
            env=_build_env(tools, Path(scratch), arguments),
        )
        wheel = next(Path(scratch).glob("*.whl"))
        shelf.mkdir(exist_ok=True)
        return wheel.replace(shelf / wheel.name)


def _build_env(tools: Path, scratch: Path, arguments: str) -> dict[str, str]:
    env = {
        "PATH": f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "TMPDIR": str(scratch),
        "CMAKE_ARGS": arguments,
        "CMAKE_GENERATOR": "Ninja",
    }
    if compiler := cuda_compiler():
        env["CUDACXX"] = compiler
    # A compiler process takes up to 1 GB; more of them than fit would be killed.
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // host.GB
    jobs = str(max(1, min(os.cpu_count() or 1, gigabytes)))
    env["CMAKE_BUILD_PARALLEL_LEVEL"] = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", jobs)
    return env
