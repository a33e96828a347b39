"""The models on this machine: fetched, verified, and named by id or by the path of a file."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock, Timeout

from runtime import integrity
from runtime.catalogue import DEFAULT_MODEL, ModelSpec, Source, UnknownModel, catalogue
from runtime.download import CHUNK, Fetcher, fetchers, ledger_path
from runtime.errors import DownloadFailed, ModelCorrupt, ModelMissing, NotEnoughDisk
from runtime.progress import OnProgress, Progress, meter

__all__ = ["DEFAULT_MODEL", "ModelSpec", "ModelStore", "Progress", "StoredModel", "catalogue"]

# What a part and its archive may take beside the growing file.
DISK_MARGIN = 150_000_000


@dataclass(frozen=True)
class StoredModel:
    """A model of the catalogue and what of it is here; `present` is the bytes on disk."""

    spec: ModelSpec
    path: Path
    state: Literal["verified", "unverified", "partial", "missing"]
    present: int


class ModelStore:
    """The directory of model files; `root` defaults to `models` in the user's cache."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        models: Sequence[ModelSpec] | None = None,
        fetching: Mapping[str, Fetcher] | None = None,
    ) -> None:
        self.root = root or default_root()
        self._models = {spec.id: spec for spec in models or catalogue()}
        self._fetchers = fetching or fetchers()

    def find(self, model: str) -> ModelSpec:
        """The catalogue's entry; raises UnknownModel with the ids that exist."""
        if model not in self._models:
            raise UnknownModel(
                f"There is no model {model!r}; the ids are {', '.join(self._models)}, "
                "and the path of a .gguf file works too."
            )
        return self._models[model]

    def path(self, model: str, on_progress: OnProgress | None = None) -> Path:
        """The file to load, verified; raises UnknownModel, ModelMissing or ModelCorrupt."""
        if is_file_name(model):
            return integrity.require_gguf(Path(model).expanduser())
        spec = self.find(model)
        file = self.root / spec.file_name
        if not file.is_file():
            raise ModelMissing(
                f"The model {model} is not on this machine; "
                f"fetch it with `agent model pull {model}`."
            )
        if not integrity.known_good(file, spec.sha256):
            self.verify(model, on_progress)
        return file

    def list(self) -> tuple[StoredModel, ...]:
        """Every model of the catalogue; nothing is hashed."""
        return tuple(self._stored(spec) for spec in self._models.values())

    def _stored(self, spec: ModelSpec) -> StoredModel:
        file, partial = self.root / spec.file_name, self._partial(spec)
        if file.is_file():
            good = integrity.known_good(file, spec.sha256)
            return StoredModel(spec, file, "verified" if good else "unverified", _size(file))
        if partial.is_file():
            return StoredModel(spec, file, "partial", _size(partial))
        return StoredModel(spec, file, "missing", 0)

    def verify(self, model: str, on_progress: OnProgress | None = None) -> Path:
        """Hash the whole file whatever is remembered; raises ModelMissing or ModelCorrupt."""
        spec = self.find(model)
        file = self.root / spec.file_name
        if not file.is_file():
            return self.path(model)
        again = f"fetch it again with `agent model rm {model}` and `agent model pull {model}`"
        if (size := _size(file)) != spec.size:
            raise ModelCorrupt(f"{file} has {size} bytes instead of {spec.size}; {again}.")
        if (found := self._hash(spec, file, on_progress)) != spec.sha256:
            raise ModelCorrupt(
                f"{file} has the SHA-256 {found[:12]}… instead of {spec.sha256[:12]}…; {again}."
            )
        integrity.remember(file, spec.sha256)
        return file

    def remove(self, model: str) -> int:
        """Delete the file and whatever was fetched of it; returns the bytes freed."""
        spec = self.find(model)
        freed = 0
        with self._lock(spec, None):
            for path in self.root.glob(f"{spec.file_name}*"):
                if path.suffix == ".lock":
                    continue
                freed += _size(path)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return freed

    def pull(
        self, model: str, on_progress: OnProgress | None = None, *, source: Path | None = None
    ) -> Path:
        """Have the model here, verified; from the file `source`, or else from where it is offered.

        Raises DownloadFailed, ModelCorrupt (the given file is another one) or NotEnoughDisk. What
        was fetched of it stays, so that the next call goes on from there.
        """
        spec = self.find(model)
        file = self.root / spec.file_name
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock(spec, on_progress), _full_disk_is_a_sentence(self.root):
            if file.is_file():
                with contextlib.suppress(ModelCorrupt):
                    return self.path(model, on_progress)
            self._require_disk(spec)
            if source is not None:
                self._copy(spec, source, on_progress)
            else:
                self._fetch(spec, on_progress)
            self._partial(spec).replace(file)
            integrity.remember(file, spec.sha256)
            ledger_path(self._partial(spec)).unlink(missing_ok=True)
        return file

    def _fetch(self, spec: ModelSpec, on_progress: OnProgress | None) -> None:
        reasons = []
        for source in spec.sources:
            try:
                return self._fetch_from(spec, source, on_progress)
            except DownloadFailed as failure:
                reasons.append(str(failure))
        raise DownloadFailed(
            f"The model {spec.id} could not be fetched: {' and '.join(reasons)}; connect to the "
            f"network and run `agent model pull {spec.id}`, or copy the file here and run "
            f"`agent model pull {spec.id} --from FILE`."
        )

    def _fetch_from(self, spec: ModelSpec, source: Source, on_progress: OnProgress | None) -> None:
        partial = self._partial(spec)

        report = meter("fetching", spec.size, on_progress)
        self._fetchers[source.kind].fetch(source, partial, report)
        if self._hash(spec, partial, on_progress) != spec.sha256:
            # Nothing tells which part is wrong: none may be kept.
            partial.unlink()
            ledger_path(partial).unlink(missing_ok=True)
            raise DownloadFailed(f"what came from {source.kind} has another SHA-256")

    def _copy(self, spec: ModelSpec, source: Path, on_progress: OnProgress | None) -> None:
        if not source.is_file():
            raise ModelMissing(f"{source} is not a file.")
        partial = self._partial(spec)
        report = meter("copying", spec.size, on_progress)
        with source.open("rb") as given, partial.open("wb") as out:
            while chunk := given.read(CHUNK):
                out.write(chunk)
                report(out.tell())
        if self._hash(spec, partial, on_progress) != spec.sha256:
            partial.unlink()
            raise ModelCorrupt(
                f"{source} is not {spec.title.partition(':')[0]}: its SHA-256 is another one; "
                "a model that is not in the catalogue can be named by its path instead."
            )

    def _partial(self, spec: ModelSpec) -> Path:
        return self.root / f"{spec.file_name}.partial"

    def _require_disk(self, spec: ModelSpec) -> None:
        missing = spec.size - _size(self._partial(spec)) + DISK_MARGIN
        free = shutil.disk_usage(self.root).free
        if free < missing:
            raise NotEnoughDisk(
                f"The model needs {missing / 1e9:.1f} GB in {self.root} but only "
                f"{free / 1e9:.1f} GB are free; free some space, or set LOCUM_CACHE to a "
                "directory on a larger disk."
            )

    @contextlib.contextmanager
    def _lock(self, spec: ModelSpec, on_progress: OnProgress | None) -> Iterator[None]:
        """Two pulls of one model take turns; the second finds the work done."""
        lock = FileLock(self.root / f"{spec.file_name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if on_progress:
                on_progress(Progress("waiting", 0, spec.size))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _hash(self, spec: ModelSpec, file: Path, on_progress: OnProgress | None) -> str:
        return integrity.sha256(file, meter("verifying", spec.size, on_progress))


def default_root() -> Path:
    """`models` in $LOCUM_CACHE, or in the user's cache directory."""
    named = os.environ.get("LOCUM_CACHE")
    base = Path(named).expanduser() if named else platformdirs.user_cache_path("locum")
    return base / "models"


def is_file_name(model: str) -> bool:
    """Whether a model is named by a path instead of by an id."""
    return model.endswith(".gguf") or os.sep in model


@contextlib.contextmanager
def _full_disk_is_a_sentence(root: Path) -> Iterator[None]:
    """Others write to the disk too: it can fill up although there was room at the start."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NotEnoughDisk(
            f"The disk that holds {root} filled up; free some space and run it again to go on."
        ) from error


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(_size(child) for child in path.iterdir())
    return path.stat().st_size if path.exists() else 0
