"""The model store, fed by fakes; `test_download.py` tests the real sources."""

import hashlib
import threading
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
from runtime.download import Fetcher
from runtime.errors import DownloadFailed, ModelCorrupt, ModelMissing, NotEnoughDisk
from runtime.models import ModelStore
from runtime.progress import Progress

WHOLE = b"GGUF" + bytes(120_000)
REGISTRY = RegistrySource(packages=("tiny-part1",), version="1.0", member="*.bin")


def spec(*sources: Source, content: bytes = WHOLE) -> ModelSpec:
    return ModelSpec(
        id="tiny",
        title="Tiny: for tests",
        licence="Apache-2.0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


def store(root: Path, model: ModelSpec, **fetching: Fetcher) -> ModelStore:
    return ModelStore(root, models=[model], fetching=fetching)


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


def test_removing_frees_everything(root: Path) -> None:
    models = store(root, spec(HUB), **{"hugging-face": Serving(WHOLE)})
    models.pull("tiny")
    (root / "tiny.gguf.partial").write_bytes(b"left over")
    (root / "tiny.gguf.partial.parts").mkdir()
    (root / "tiny.gguf.partial.parts" / "wheel").write_bytes(b"left over")
    assert models.remove("tiny") >= len(WHOLE)
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


def test_the_catalogue_can_be_fetched_from_somewhere() -> None:
    ids = [model.id for model in catalogue()]
    assert len(set(ids)) == len(ids)
    assert all(model.sources for model in catalogue())
