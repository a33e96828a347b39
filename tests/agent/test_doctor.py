"""Each lack of a machine is found and comes with a remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent import doctor
from agent.doctor import Finding
from runtime.hardware import Gpu, Hardware
from runtime.models import ModelStore
from tools.sandbox import Check

GOOD = Hardware(
    system="Linux 6.1",
    machine="x86_64",
    cpu="AMD Ryzen 7 7840U",
    physical_cores=8,
    simd=("avx", "avx2"),
    memory_total=16_000_000_000,
    memory_available=12_000_000_000,
    gpu=Gpu("none"),
)


def lacks(finding: Finding, status: str) -> bool:
    """Whether the finding has this status and says what to do."""
    return finding.status == status and bool(finding.remedy)


def test_a_good_machine_has_no_lack() -> None:
    assert doctor.works(doctor.machine(GOOD))
    assert all(not finding.remedy for finding in doctor.machine(GOOD))
    assert doctor.memory(GOOD).status == "ok"


def test_an_old_processor_is_a_warning() -> None:
    findings = {one.name: one for one in doctor.machine(replace(GOOD, simd=("ssse3",)))}
    assert lacks(findings["SIMD"], "warning")


def test_too_little_memory_fails() -> None:
    finding = doctor.memory(replace(GOOD, memory_available=1_000_000_000))
    assert lacks(finding, "failed")
    assert "1.0 of 16.0 GB" in finding.found


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.disk(tmp_path / "not" / "yet").status == "ok"
    monkeypatch.setattr(doctor, "DISK_WANTED", 1 << 60)
    assert lacks(doctor.disk(tmp_path), "warning")


def test_a_missing_model_fails_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    finding = doctor.model(ModelStore(tmp_path))
    assert finding.status == "failed"
    assert "agent model pull" in finding.remedy


def test_the_engine_reports_what_it_was_built_for() -> None:
    assert doctor.engine(replace(GOOD, simd=())).status == "ok"


def test_an_engine_built_for_another_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "REPORTED", {"avx2": "QUANTUM"})
    finding = doctor.engine(GOOD)
    assert lacks(finding, "warning")
    assert finding.found.endswith("not avx2")


def test_a_gpu_that_the_engine_does_not_use_is_a_warning() -> None:
    nvidia = replace(GOOD, simd=(), gpu=Gpu("cuda", ("NVIDIA H200",), 140_000_000_000))
    assert lacks(doctor.engine(nvidia), "warning")


def test_an_engine_that_does_not_load_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("raise OSError('libllama.so: wrong ELF class')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = doctor.engine(GOOD)
    assert lacks(finding, "failed")
    assert "wrong ELF class" in finding.found


@pytest.mark.parametrize(
    ("bubblewrap", "landlock", "status"),
    [(True, True, "ok"), (False, True, "warning"), (False, False, "failed")],
)
def test_one_sandbox_that_holds_is_enough(
    monkeypatch: pytest.MonkeyPatch, bubblewrap: bool, landlock: bool, status: str
) -> None:
    checks = [
        Check("sandbox bubblewrap: reads HOME", bubblewrap, "it could", "Install bubblewrap."),
        Check("sandbox landlock: reads HOME", landlock, "it could", "Use a newer kernel."),
    ]
    monkeypatch.setattr("tools.sandbox.doctor", lambda: checks)
    first, _ = doctor.sandboxes()
    assert first.status == status
    assert first.remedy == ("" if bubblewrap else "Install bubblewrap.")


def test_a_missing_git_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.git().found.startswith("git version")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacks(doctor.git(), "failed")


def test_the_test_runner_of_a_repository_is_found(tmp_path: Path) -> None:
    assert lacks(doctor.test_runner(tmp_path), "failed")
    assert lacks(doctor.test_runner(tmp_path / "none"), "failed")
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert True\n")
    assert doctor.test_runner(tmp_path).found.startswith("pytest: ")
