"""Fetching, with the real clients: pip from wheels that the tests build, Hugging Face's from a
server in the test. No network but in the one slow test."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime.catalogue import HuggingFaceSource, ModelSpec, RegistrySource
from runtime.download import HuggingFaceFetcher, RegistryFetcher
from runtime.errors import DownloadFailed
from runtime.models import ModelStore
from runtime.progress import Progress

PARTS = (b"GGUF" + b"a" * 70_000, b"b" * 50_000, b"c" * 1_000)
WHOLE = b"".join(PARTS)
REGISTRY = RegistrySource(
    packages=("tiny-part1", "tiny-part2", "tiny-part3"), version="1.0", member="*/data/part*.bin"
)
TINY = ModelSpec(
    id="tiny",
    title="Tiny: for tests",
    licence="Apache-2.0",
    size=len(WHOLE),
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    sources=(REGISTRY,),
)


def write_wheel(directory: Path, part: int, content: bytes) -> Path:
    name = f"tiny_part{part}"
    info = f"{name}-1.0.dist-info"
    wheel = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('never import me')")
        archive.writestr(f"{name}/data/part{part:02}.bin", content)
        metadata = f"Metadata-Version: 2.1\nName: tiny-part{part}\nVersion: 1.0\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that pip takes for its whole registry."""
    directory = tmp_path / "registry"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return directory


@pytest.fixture
def full_registry(registry: Path) -> Path:
    for part, content in enumerate(PARTS, start=1):
        write_wheel(registry, part, content)
    return registry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


def store(root: Path) -> ModelStore:
    return ModelStore(root, models=[TINY], fetching={"registry": RegistryFetcher()})


@pytest.mark.usefixtures("full_registry")
def test_parts_are_joined_verified_and_reported(root: Path) -> None:
    news: list[Progress] = []
    path = store(root).pull("tiny", news.append)
    assert path.read_bytes() == WHOLE
    assert sorted(entry.name for entry in root.iterdir()) == [
        "tiny.gguf",
        "tiny.gguf.lock",
        "tiny.gguf.verified",
    ]
    fetched = [one.done for one in news if one.action == "fetching"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == len(WHOLE)
    assert "100 %" in str(news[-1])


def test_a_second_pull_goes_on_where_the_first_stopped(registry: Path, root: Path) -> None:
    write_wheel(registry, 1, PARTS[0])
    write_wheel(registry, 2, PARTS[1])
    models = store(root)
    with pytest.raises(DownloadFailed, match=r"has no tiny-part3.*--from FILE"):
        models.pull("tiny")
    assert models.list()[0].state == "partial"
    # Only the third part may be asked for now.
    (registry / "tiny_part1-1.0-py3-none-any.whl").unlink()
    (registry / "tiny_part2-1.0-py3-none-any.whl").unlink()
    write_wheel(registry, 3, PARTS[2])
    news: list[Progress] = []
    assert models.pull("tiny", news.append).read_bytes() == WHOLE
    assert news[0].done == len(PARTS[0]) + len(PARTS[1])


@pytest.mark.usefixtures("full_registry")
def test_a_part_cut_off_in_the_middle_is_fetched_again(root: Path) -> None:
    models = store(root)
    root.mkdir()
    partial = root / "tiny.gguf.partial"
    partial.write_bytes(PARTS[0] + PARTS[1][:77])
    ledger = {"source": REGISTRY.model_dump(mode="json"), "ends": [len(PARTS[0])]}
    (root / "tiny.gguf.partial.json").write_text(json.dumps(ledger))
    assert models.pull("tiny").read_bytes() == WHOLE


@pytest.mark.usefixtures("full_registry")
@pytest.mark.parametrize("ledger", ["not json", '{"source": {}, "ends": [4]}', '{"ends": 3}', "[]"])
def test_a_damaged_or_foreign_ledger_starts_over(root: Path, ledger: str) -> None:
    root.mkdir()
    (root / "tiny.gguf.partial").write_bytes(b"rubbish")
    (root / "tiny.gguf.partial.json").write_text(ledger)
    assert store(root).pull("tiny").read_bytes() == WHOLE


def test_a_truncated_wheel_is_refused_and_the_parts_before_it_stay(
    full_registry: Path, root: Path
) -> None:
    second = full_registry / "tiny_part2-1.0-py3-none-any.whl"
    content = bytearray(second.read_bytes())
    content[200:260] = b"x" * 60
    second.write_bytes(content)
    models = store(root)
    with pytest.raises(DownloadFailed, match="arrived damaged"):
        models.pull("tiny")
    write_wheel(full_registry, 2, PARTS[1])
    news: list[Progress] = []
    assert models.pull("tiny", news.append).read_bytes() == WHOLE
    assert news[0].done == len(PARTS[0])


def test_a_wheel_without_the_one_file_is_refused(full_registry: Path, root: Path) -> None:
    with zipfile.ZipFile(full_registry / "tiny_part1-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("tiny_part1/data/part99.bin", b"?")
    with pytest.raises(DownloadFailed, match="holds 2 files"):
        store(root).pull("tiny")


def test_other_content_is_never_kept(full_registry: Path, root: Path) -> None:
    write_wheel(full_registry, 2, b"B" * len(PARTS[1]))
    models = store(root)
    with pytest.raises(DownloadFailed, match="another SHA-256"):
        models.pull("tiny")
    assert models.list()[0].state == "missing"
    write_wheel(full_registry, 2, PARTS[1])
    assert models.pull("tiny").read_bytes() == WHOLE


@pytest.mark.usefixtures("full_registry")
def test_a_pip_module_in_the_working_directory_is_not_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = tmp_path / "repository"
    evil.mkdir()
    (evil / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(evil)
    # The positive control: without the guard it would have been run.
    subprocess.run([sys.executable, "-m", "pip"], check=True)
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    monkeypatch.setenv("PYTHONPATH", str(evil))
    store(root).pull("tiny")
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_real_model_comes_from_the_real_registry(root: Path) -> None:
    assert ModelStore(root).pull("smollm2-135m").stat().st_size == 98_362_432


class Hub(BaseHTTPRequestHandler):
    """As much of Hugging Face as its client needs to fetch one file."""

    def do_HEAD(self) -> None:
        self._answer(WHOLE)

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        self.wfile.write(self._answer(WHOLE[start:], start))

    def _answer(self, content: bytes, start: int = 0) -> bytes:
        if self.path != "/someone/tiny/resolve/main/tiny.gguf":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return b""
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{TINY.sha256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(content)))
        if start:
            span = f"bytes {start}-{len(WHOLE) - 1}/{len(WHOLE)}"
            self.send_header("Content-Range", span)
        self.end_headers()
        return content

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_hugging_face_gives_the_file_and_its_progress(hub: str, tmp_path: Path) -> None:
    partial = tmp_path / "tiny.gguf.partial"
    counts: list[int] = []
    source = HuggingFaceSource(repository="someone/tiny", file="tiny.gguf")
    HuggingFaceFetcher(hub).fetch(source, partial, counts.append)
    assert partial.read_bytes() == WHOLE
    assert counts[-1] == len(WHOLE)
    assert list(tmp_path.iterdir()) == [partial]


def test_hugging_face_without_the_file_says_so(hub: str, tmp_path: Path) -> None:
    source = HuggingFaceSource(repository="someone/tiny", file="other.gguf")
    with pytest.raises(DownloadFailed, match=r"does not serve someone/tiny/other\.gguf"):
        HuggingFaceFetcher(hub).fetch(source, tmp_path / "partial", lambda _: None)


def test_hugging_face_out_of_reach_says_so(tmp_path: Path) -> None:
    source = HuggingFaceSource(repository="someone/tiny", file="tiny.gguf")
    with pytest.raises(DownloadFailed, match="Hugging Face cannot be reached"):
        HuggingFaceFetcher("http://127.0.0.1:9").fetch(source, tmp_path / "partial", lambda _: None)
