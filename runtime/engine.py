"""The model on llama.cpp as the server uses it: settings, and requests turned into jobs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runtime.branch_memory import Memory
from runtime.branching import BranchJob
from runtime.constraint import Guides
from runtime.core import encode
from runtime.engine_api import (
    Branched,
    BranchQuery,
    Cancellation,
    EngineError,
    EngineState,
    Generated,
    Generation,
    OnText,
    Prompt,
    Rated,
    Scored,
)
from runtime.generation import GenerationJob
from runtime.hardware import (
    cpu_model,
    gpu_memory_free,
    memory_available,
    offloaded_layers,
    physical_cores,
    simd,
)
from runtime.lane import Lane
from runtime.llama import (
    ContextShape,
    LlamaCore,
    Weights,
    layer_count,
    most_sequences,
    offloads,
    system_info,
    version,
)
from runtime.measures import Measures
from runtime.prefix_cache import PrefixCache
from runtime.prefix_files import PrefixFiles
from runtime.scheduler import Scheduler
from runtime.scoring import RateJob, ScoreJob
from runtime.tuning import Tuning, tuned

_SHARE_OF_MEMORY = 8
"""Of the free memory, prompts read before may take one part in so many."""
_SETTLE_SECONDS = 10.0

__all__ = ["Kept", "LlamaEngine", "Settings", "system_info", "tuned_settings"]


@dataclass(frozen=True)
class Kept:
    """Where prompts are kept from run to run: at most ``capacity`` bytes of files in a
    ``folder``, only for the model with this SHA-256."""

    folder: Path
    capacity: int
    model_sha256: str


@dataclass(frozen=True)
class Settings:
    """How a model is loaded.

    ``context``: tokens of one request; ``cells``: tokens over all requests and samples (None:
    twice the context); ``slots``: samples or branches of all requests decoded at once;
    ``threads`` None: one for each physical core this process may use; ``repack``: weights laid
    out for decoding; ``gpu_layers`` None: as many as fit on the GPU; ``waiting``: requests that
    may queue; ``prefix_memory``: bytes for prompts read before, if that much is free;
    ``speculate``: guess greedy answers from the prompt; ``kept``: prompts on disk.
    """

    context: int = 8192
    cells: int | None = None
    slots: int = 128
    batch: int = 512
    threads: int | None = None
    # Measured idle on 2 cores (1.5B Q4_K_M, tokens/s): repacked 166 in prefill, 38 decoding one
    # sequence, 106 decoding 32; not repacked 285, 29 and 104. A search is mostly prefill.
    repack: bool = False
    gpu_layers: int | None = None
    waiting: int = 64
    # 18,000 tokens of the 1.5B model.
    prefix_memory: int = 512 << 20
    speculate: bool = True
    kept: Kept | None = None


def tuned_settings(model_file: Path, settings: Settings) -> Settings:
    """The settings with what is fastest on this machine; takes seconds at the first start.

    Threads that were asked for stay as they are. Raises EngineError where the model cannot be
    loaded.
    """
    threads = settings.threads or physical_cores()
    usual = Tuning(repack=settings.repack, batch=settings.batch, threads=threads)
    found = tuned(model_file, usual)
    return replace(
        settings,
        repack=found.repack,
        batch=found.batch,
        threads=settings.threads or found.threads,
    )


class LlamaEngine:
    """The ``Engine`` of the server: a scheduler around a loaded model."""

    def __init__(self, model_file: Path, settings: Settings | None = None) -> None:
        """Raises EngineError where the model cannot be loaded, or prompts cannot be kept."""
        self._settings = settings = settings or Settings()
        layers = settings.gpu_layers
        if layers is None:
            layers = _planned_layers(model_file, settings.context)
        self._weights = Weights(model_file, repack=settings.repack, gpu_layers=layers)
        trained = self._weights.trained_context
        self._context = min(settings.context, trained) if trained > 0 else settings.context
        self._family = self._weights.family
        # What is free now: the weights are loaded, the cache of the context is not yet filled.
        spare = memory_available() // _SHARE_OF_MEMORY
        self._cache = PrefixCache(min(settings.prefix_memory, spare))
        self._memory = Memory()
        self._guides = Guides(self._weights)
        self._measures = Measures()
        cells = max(settings.cells or 2 * self._context, self._context)
        self._cells = cells
        self._files = _files(settings, cells, layers)
        shared = self._lane(cells, exclusive=False)
        self._scheduler = Scheduler(
            shared,
            lambda: self._lane(self._context, exclusive=True),
            settings.waiting,
            self._measures,
        )

    @property
    def family(self) -> str:
        """The architecture name that selects the chat template."""
        return self._family

    @property
    def context(self) -> int:
        """Tokens that one request (prompt and answer) may hold."""
        return self._context

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text; the vocabulary is read-only, so no turn is needed."""
        return self._weights.tokenize(text, special=False)

    def count(self, prompt: Prompt) -> int:
        """How many tokens a prompt has."""
        return len(encode(self._weights, prompt))

    def generate(
        self, request: Generation, on_text: OnText | None, cancellation: Cancellation
    ) -> Generated:
        """Continue a prompt; see ``Engine.generate``."""
        guide = self._guides.start(request.constraint) if request.constraint else None
        job = GenerationJob(
            self._weights,
            self._context,
            request,
            on_text,
            self._measures,
            guide,
            speculate=self._settings.speculate,
        )
        return self._scheduler.run(
            job, cancellation, owner=request.owner, exclusive=request.deterministic
        )

    def branch(self, query: BranchQuery, cancellation: Cancellation) -> Branched:
        """Find likely alternatives to a forced answer; see ``Engine.branch``."""
        job = BranchJob(self._weights, self._context, query, self._memory)
        return self._scheduler.run(job, cancellation, owner=query.owner)

    def score(
        self,
        prompt: Prompt,
        continuations: Sequence[str],
        cancellation: Cancellation,
        owner: str = "",
        behind: Sequence[int] = (),
    ) -> Scored:
        """Log-likelihood of each continuation; see ``Engine.score``."""
        job = ScoreJob(self._weights, self._context, prompt, continuations, behind)
        return self._scheduler.run(job, cancellation, owner=owner)

    def rate(
        self,
        prompts: Sequence[Prompt],
        likeliest: int,
        cancellation: Cancellation,
        owner: str = "",
    ) -> Rated:
        """Log-likelihood of every token of some prompts; see ``Engine.rate``."""
        job = RateJob(self._weights, self._context, prompts, likeliest)
        return self._scheduler.run(job, cancellation, owner=owner)

    def state(self) -> EngineState:
        """What the engine is doing and has done."""
        lanes = self._scheduler.lanes
        return EngineState(
            running=self._scheduler.running,
            waiting=self._scheduler.waiting,
            cells=self._cells,
            reserved_cells=lanes[0].reserved if lanes else 0,
            prompt_tokens=sum(lane.prompt_tokens for lane in lanes),
            cached_tokens=sum(lane.cached_tokens for lane in lanes),
            prefix_bytes=self._cache.held,
            prefix_capacity=self._cache.capacity,
            measures=self._measures,
            disk_tokens=sum(lane.disk_tokens for lane in lanes),
            disk_bytes=self._files.held if self._files else 0,
            disk_capacity=self._files.capacity if self._files else 0,
        )

    def settle(self, seconds: float) -> None:
        """Let the prompts that are kept on disk be written, for so long at most; the last
        thing before an end without ``close``."""
        if self._files is not None:
            self._files.settle(seconds)

    def close(self) -> None:
        """Finish what is queued, stop the scheduler and free the model; once only."""
        self._scheduler.close()
        self.settle(_SETTLE_SECONDS)
        self._weights.close()

    def _lane(self, cells: int, *, exclusive: bool) -> Lane:
        shape = ContextShape(
            context=self._context,
            cells=cells,
            # One more for a prompt, and one to save and load states with.
            sequences=min(most_sequences(), self._settings.slots + 2),
            batch=self._settings.batch,
            threads=self._settings.threads or physical_cores(),
        )
        core = LlamaCore(self._weights, shape)
        return Lane(core, self._cache, exclusive=exclusive, files=self._files)


def _files(settings: Settings, cells: int, layers: int) -> PrefixFiles | None:
    """Files that fit cells computed by this very model, build, processor and settings."""
    if (kept := settings.kept) is None:
        return None
    same = asdict(replace(settings, kept=None))
    machine = (cpu_model(), simd(), physical_cores(), system_info(), version())
    identity = (kept.model_sha256, machine, cells, layers)
    try:
        return PrefixFiles(kept.folder, kept.capacity, repr((identity, sorted(same.items()))))
    except OSError as error:
        raise EngineError(f"prompts cannot be kept on disk: {error}") from error


def _planned_layers(model_file: Path, context: int) -> int:
    if not offloads():
        return 0
    size = model_file.stat().st_size
    return offloaded_layers(size, layer_count(model_file), context, gpu_memory_free())
