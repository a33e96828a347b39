"""What the set-up says when a machine lacks something: one sentence, a remedy, no trace."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of `scripts/`, which is no package."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module
    for name in ("host", "steps", "llama_wheel"):
        sys.modules.pop(name, None)


def assert_one_sentence(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("setup: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """Code that makes the set-up work on a scratch checkout, never on this one."""
    (tmp_path / "checkout" / "scripts").mkdir(parents=True)
    for name in ("requirements.lock", "pyproject.toml", "scripts/build.lock", "scripts/llama.lock"):
        (tmp_path / "checkout" / name).write_text((ROOT / name).read_text())
    for name in ("setup.py", "host.py", "steps.py", "llama_wheel.py"):
        (tmp_path / "checkout" / "scripts" / name).write_text((SCRIPTS / name).read_text())
    return str(tmp_path / "checkout" / "scripts")


def run_elsewhere(
    elsewhere: str, prelude: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    code = f"import sys, runpy\nsys.path.insert(0, {elsewhere!r})\n{prelude}\n"
    code += f"runpy.run_path({elsewhere + '/setup.py'!r}, run_name='__main__')"
    cache = str(Path(elsewhere).parent / "cache")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, "PIP_CONFIG_FILE": os.devnull, "LOCUM_CACHE": cache, **environment},
    )


def test_an_old_python(elsewhere: str) -> None:
    done = run_elsewhere(elsewhere, "sys.version_info = (3, 9, 2, 'final', 0)")
    assert_one_sentence(done, 2, "Python 3.11 or newer is needed", "apt install", "PYTHON=")


def test_no_git(elsewhere: str, tmp_path: Path) -> None:
    done = run_elsewhere(elsewhere, PATH=str(tmp_path))
    assert_one_sentence(done, 2, "git is missing", "apt install git", "dnf install git")


def test_no_venv_module(elsewhere: str) -> None:
    hide = "import host; find = host.find_spec\n"
    hide += "host.find_spec = lambda name: None if name == 'ensurepip' else find(name)"
    done = run_elsewhere(elsewhere, hide)
    assert_one_sentence(done, 2, "has no venv module")


def test_too_little_memory(elsewhere: str) -> None:
    done = run_elsewhere(elsewhere, "import host; host.MEMORY_NEEDED = 1 << 60")
    assert_one_sentence(done, 2, "GB of memory but the model needs")


def test_too_little_disk(elsewhere: str) -> None:
    done = run_elsewhere(elsewhere, "import host; host.ENVIRONMENT_SIZE = 1 << 60")
    assert_one_sentence(done, 2, "of free disk space are needed", "LOCUM_CACHE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(elsewhere: str) -> None:
    assert_one_sentence(run_elsewhere(elsewhere, LOCUM_CACHE="/proc/locum"), 2, "LOCUM_CACHE")


@pytest.mark.slow
def test_no_compiler(elsewhere: str) -> None:
    done = run_elsewhere(elsewhere, CC="no-such-cc")
    assert_one_sentence(done, 2, "a working C compiler is missing (no-such-cc)", "install it with")
    done = run_elsewhere(elsewhere, CXX="false")
    assert_one_sentence(done, 2, "a working C++ compiler is missing (false)")


@pytest.mark.slow
def test_no_network(elsewhere: str) -> None:
    done = run_elsewhere(elsewhere, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")
    assert_one_sentence(done, 1, "the package registry cannot be reached", "PIP_INDEX_URL")


def test_a_finished_set_up_is_not_repeated(elsewhere: str) -> None:
    environment = Path(elsewhere).parent / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "agent").write_text("")
    stamp = "import runpy; made = runpy.run_path(sys.path[0] + '/setup.py')\n"
    stamp += "made['STAMP'].write_text(made['fingerprint']())"
    nothing = "import subprocess; subprocess.Popen = None"
    done = run_elsewhere(elsewhere, f"{stamp}\n{nothing}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_sets_up_again(elsewhere: str, tmp_path: Path) -> None:
    prints = "print(runpy.run_path(sys.path[0] + '/setup.py')['fingerprint']()); sys.exit()"
    before = run_elsewhere(elsewhere, prints).stdout
    assert before == run_elsewhere(elsewhere, prints).stdout
    with (Path(elsewhere).parent / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert before != run_elsewhere(elsewhere, prints).stdout


def test_needs_on_one_disk_add_up(script: Callable[[str], ModuleType], tmp_path: Path) -> None:
    host = script("host")
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    share = free * 2 // 3
    host.require_disk([(tmp_path, share)])
    with pytest.raises(host.Lack, match="free disk space"):
        host.require_disk([(tmp_path, share), (tmp_path, share)])


def test_the_wheel_is_keyed_by_processor_and_options(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = script("llama_wheel")
    here = wheel.key("-DA=1")
    assert here == wheel.key("-DA=1") != wheel.key("-DA=2")
    monkeypatch.setattr(wheel, "processor_features", lambda: "another")
    assert here != wheel.key("-DA=1")


def test_a_cached_wheel_is_not_compiled_again(
    script: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = script("llama_wheel")
    monkeypatch.setenv("CMAKE_ARGS", "-DA=1")
    shelf = tmp_path / "wheels" / wheel.key("-DA=1")
    shelf.mkdir(parents=True)
    (shelf / "llama.whl").write_bytes(b"")
    monkeypatch.setattr(wheel.steps, "run", None)
    assert wheel.obtain(tmp_path, tmp_path / "log") == shelf / "llama.whl"


def test_a_failed_cuda_build_goes_on_without_the_gpu(
    script: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wheel = script("llama_wheel")
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    monkeypatch.setattr(wheel, "cuda_compiler", lambda: "/usr/local/cuda/bin/nvcc")

    def build(shelf: Path, log: Path, arguments: str) -> Path:
        if "CUDA" in arguments:
            raise wheel.steps.StepFailed("compiling llama.cpp failed.")
        return shelf / "cpu.whl"

    monkeypatch.setattr(wheel, "_build", build)
    assert wheel.obtain(tmp_path, tmp_path / "log").name == "cpu.whl"
    assert "Going on without the GPU" in capsys.readouterr().out


def test_progress_is_read_from_the_build(script: Callable[[str], ModuleType]) -> None:
    counter = script("steps").Counter(r"^\s*\[(?P<done>\d+)/(?P<all>\d+)\]")
    assert str(counter) == ""
    counter.feed("  [35/140] Building CXX object ggml.cpp.o\n")
    counter.feed("a warning in between\n")
    assert str(counter) == ", 35 of 140 (25 %)"


def test_a_failing_step_names_its_log(script: Callable[[str], ModuleType], tmp_path: Path) -> None:
    steps, log = script("steps"), tmp_path / "log"
    code = "print('fatal error: ggml.h is gone'); raise SystemExit(3)"
    with pytest.raises(steps.StepFailed, match=r"compiling failed \(fatal error: ggml\.h is gone"):
        steps.run([sys.executable, "-c", code], "compiling", log)
    assert "ggml.h" in log.read_text()
