"""What the machine must have before the set-up starts; each lack is one sentence with a remedy."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

GB = 1_000_000_000
MEMORY_NEEDED = 3 * GB
# Measured: environment 0.7, compiling llama.cpp 1.1 while it lasts, the model 1.2 with its parts.
ENVIRONMENT_SIZE = 1 * GB
BUILD_SIZE = 1_500_000_000
MODEL_SIZE = 1_500_000_000


class Lack(Exception):
    """Something the machine lacks; ``str()`` is one sentence with the remedy."""


def cache_root() -> Path:
    """Where wheels and models are kept: LOCUM_CACHE, or the user's cache directory."""
    if named := os.environ.get("LOCUM_CACHE"):
        return Path(named).expanduser().resolve()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "locum"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "locum"


def require_machine(root: Path, cache: Path, *, venv: bool) -> None:
    """Raise Lack for the first thing that is missing; compilers are checked before compiling."""
    require_venv_module()
    require_git()
    require_memory(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    require_writable(root)
    require_writable(cache)
    has_model = any((cache / "models").glob("qwen2.5-coder-1.5b.gguf"))
    has_wheel = any((cache / "wheels").glob("*/*.whl"))
    in_cache = (0 if has_model else MODEL_SIZE) + (0 if has_wheel else BUILD_SIZE)
    require_disk([(root, 0 if venv else ENVIRONMENT_SIZE), (existing(cache), in_cache)])


def require_venv_module() -> None:
    """Debian splits `venv` off Python."""
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise Lack(
            f"{sys.executable} has no venv module; install it with "
            f"{remedy('python3-venv', 'python3', 'python')}."
        )


def require_git() -> None:
    """The agent reads repositories through git."""
    if shutil.which("git") is None:
        raise Lack(f"git is missing; install it with {remedy('git', 'git', 'git')}.")


def require_memory(total: int) -> None:
    """The default model needs about 2.5 GB while it works."""
    if total < MEMORY_NEEDED:
        raise Lack(
            f"this machine has {total / GB:.1f} GB of memory but the model needs "
            f"{MEMORY_NEEDED / GB:.0f} GB; use a machine (or container limit) with more."
        )


def require_writable(directory: Path) -> None:
    """The checkout and the cache are both written to."""
    if not os.access(existing(directory), os.W_OK):
        raise Lack(f"{directory} cannot be written; make it yours, or set LOCUM_CACHE elsewhere.")


def require_disk(needs: list[tuple[Path, int]]) -> None:
    """Check (directory, bytes) pairs; what lies on one filesystem adds up."""
    by_device: dict[int, tuple[Path, int]] = {}
    for path, size in needs:
        device = path.stat().st_dev
        first, already = by_device.get(device, (path, 0))
        by_device[device] = (first, already + size)
    for path, size in by_device.values():
        free = shutil.disk_usage(path).free
        if free < size:
            raise Lack(
                f"{size / GB:.1f} GB of free disk space are needed at {path} but only "
                f"{free / GB:.1f} GB are free; free some space, or set LOCUM_CACHE to a "
                "directory on a larger disk."
            )


def require_compilers() -> None:
    """Both compilers must compile: `cc` without headers, or Apple's stub, is not enough."""
    for language, name, suffix, source in (
        ("C", os.environ.get("CC", "cc"), ".c", "#include <stdio.h>\n"),
        ("C++", os.environ.get("CXX", "c++"), ".cpp", "#include <vector>\n"),
    ):
        if not compiles(name, suffix, source + "int main() { return 0; }\n"):
            raise Lack(
                f"a working {language} compiler is missing ({name}); install it with "
                f"{remedy('build-essential', 'gcc gcc-c++', '')}."
            )


def compiles(compiler: str, suffix: str, source: str) -> bool:
    """Whether the compiler turns a small program into an executable."""
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch, "probe" + suffix)
        program.write_text(source)
        argv = [*compiler.split(), str(program), "-o", str(program.with_suffix(""))]
        try:
            return not subprocess.run(argv, capture_output=True, check=False).returncode
        except OSError:
            return False


def remedy(debian: str, fedora: str, brew: str) -> str:
    """The command that installs a package here, or on every system when it is unknown."""
    commands = {
        "apt": f"`sudo apt install {debian}`",
        "dnf": f"`sudo dnf install {fedora}`",
        "brew": f"`brew install {brew}`" if brew else "`xcode-select --install`",
    }
    if sys.platform == "darwin":
        return commands["brew"]
    known = [commands[name] for name in ("apt", "dnf") if shutil.which(name)]
    if known:
        return known[0]
    return f"{commands['apt']} (Debian, Ubuntu) or {commands['dnf']} (Fedora)"


def existing(path: Path) -> Path:
    """The path itself or its nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return path
