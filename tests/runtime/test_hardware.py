"""The machine as it is, and as the files of others describe it."""

import os
from pathlib import Path

import psutil
import pytest

from runtime.errors import NotEnoughMemory
from runtime.hardware import (
    cpu_model,
    gpu,
    inspect,
    memory_available,
    memory_total,
    offloaded_layers,
    physical_cores,
    require_memory,
    simd,
)

X86 = """processor\t: 0
model name\t: AMD Ryzen 7 7840U
flags\t\t: fpu sse sse2 ssse3 sse4_2 avx f16c fma avx2 avx512f avx512_vnni
"""
ARM = """processor\t: 0
Features\t: fp asimd evtstrm aes asimddp i8mm
Model\t\t: Raspberry Pi 5 Model B
"""


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("0\n")
    return tmp_path


def write(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_this_machine_makes_sense() -> None:
    found = inspect()
    assert 1 <= found.physical_cores <= (os.cpu_count() or 1)
    assert 0 < found.memory_available < found.memory_total <= psutil.virtual_memory().total
    assert found.cpu


@pytest.mark.parametrize(
    ("text", "name", "flags"),
    [
        (X86, "AMD Ryzen 7 7840U", ("ssse3", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f",
                                    "avx512_vnni")),
        (ARM, "Raspberry Pi 5 Model B", ("asimd", "asimddp", "i8mm")),
    ],
)  # fmt: skip
def test_processors_are_read(tmp_path: Path, text: str, name: str, flags: tuple[str, ...]) -> None:
    cpuinfo = write(tmp_path, "cpuinfo", text)
    assert cpu_model(cpuinfo) == name
    assert simd(cpuinfo) == flags


def test_a_container_limits_cores_and_memory(cgroup: Path) -> None:
    unlimited = physical_cores(cgroup)
    assert memory_total(cgroup) == psutil.virtual_memory().total
    write(cgroup, "cpu.max", "50000 100000\n")
    write(cgroup, "memory.max", "1000000\n")
    write(cgroup, "memory.current", "700000\n")
    write(cgroup, "memory.stat", "anon 1\ninactive_file 200000\n")
    assert physical_cores(cgroup) == 1 <= unlimited
    assert memory_total(cgroup) == 1_000_000
    assert memory_available(cgroup) == 500_000


def test_a_machine_without_cgroups_works(tmp_path: Path) -> None:
    assert physical_cores(tmp_path / "none") >= 1
    assert memory_available(tmp_path / "none") > 0


def test_a_model_too_big_is_refused_in_one_sentence() -> None:
    with pytest.raises(NotEnoughMemory, match=r"needs 2\.1 GB of memory but only 1\.0 GB are free"):
        require_memory(1_117_320_768, 8192, 1_000_000_000)
    require_memory(1_117_320_768, 8192, 3_000_000_000)


def test_nvidia_gpus_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert gpu().kind != "cuda"
    driver = write(tmp_path, "nvidia-smi", "#!/bin/sh\necho 'NVIDIA H200, 143771'\n")
    driver.chmod(0o755)
    assert gpu().names == ("NVIDIA H200",)
    assert gpu().memory == 143771 << 20
    write(tmp_path, "nvidia-smi", "#!/bin/sh\necho 'no devices were found'; exit 6\n")
    assert gpu().kind == "none"


@pytest.mark.parametrize(
    ("free", "layers"),
    [(0, 0), (400_000_000, 0), (24_000_000_000, -1), (1_600_000_000, 16)],
)
def test_as_many_layers_are_offloaded_as_fit(free: int, layers: int) -> None:
    # 1.1 GB in 28 layers; 8192 tokens of context take 0.47 GB, the engine 0.5 GB.
    assert offloaded_layers(1_117_320_768, 28, 8192, free) == layers
