"""The model on llama.cpp: the only module that imports its bindings."""

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import llama_cpp
import numpy as np

from runtime import branching, generation, scoring
from runtime.core import Entry, Prefix, encode
from runtime.engine_api import (
    Branched,
    BranchQuery,
    Cancellation,
    Cancelled,
    EngineError,
    Generated,
    Generation,
    OnText,
    Prompt,
    Scored,
)
from runtime.hardware import physical_cores
from runtime.sampling import Logits
from runtime.worker import Worker

_Result = TypeVar("_Result")
_ABORTED = 2
_NO_SLOT = 1
_PIECE_BYTES = 512
_LOG_WARNING, _LOG_ERROR = 3, 4


def _log(level: int, text: bytes, _: Any) -> None:
    """Let llama.cpp's warnings through; the rest is thousands of lines for each load."""
    if level in (_LOG_WARNING, _LOG_ERROR):
        sys.stderr.write(text.decode("utf-8", "replace"))


# At module level because llama.cpp keeps only the bare pointer.
_LOG = llama_cpp.llama_log_callback(_log)


@dataclass(frozen=True)
class Settings:
    """How a model is loaded.

    ``context``: tokens of one request; ``cells``: tokens over all samples of a request (None:
    twice the context); ``slots``: samples or branches decoded at once; ``threads`` None: one for
    each physical core this process may use; ``repack``: weights laid out for decoding.
    """

    context: int = 8192
    cells: int | None = None
    # Branches are short: 64 at once give 1.3 times the tokens a second that 32 do.
    slots: int = 64
    batch: int = 512
    threads: int | None = None
    # Measured idle on 2 cores (1.5B Q4_K_M, tokens/s): repacked 166 in prefill, 38 decoding one
    # sequence, 106 decoding 32; not repacked 285, 29 and 104. A search is mostly prefill.
    repack: bool = False
    gpu_layers: int = -1
    waiting: int = 64


class LlamaCore:
    """A loaded GGUF model with its context; see ``runtime.core.Core``."""

    def __init__(self, model_file: Path, settings: Settings) -> None:
        self.slots = settings.slots
        self.batch = settings.batch
        self._cancellation = Cancellation()
        llama_cpp.llama_log_set(_LOG, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        self._model = self._load_model(model_file, settings)
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        self.context = min(settings.context, trained) if trained > 0 else settings.context
        self.cells = max(settings.cells or 2 * self.context, self.context)
        self._context = self._new_context(settings)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocab: Any = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._batch = llama_cpp.llama_batch_init(settings.batch, 0, 1)
        for index in range(settings.batch):
            self._batch.n_seq_id[index] = 1
        # Referenced here because llama.cpp keeps only the bare pointer.
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._cancellation.cancelled)
        llama_cpp.llama_set_abort_callback(self._context, self._abort, ctypes.c_void_p())
        self._pieces: dict[int, bytes] = {}

    @property
    def family(self) -> str:
        """The architecture that the file declares, or ``chatml`` for others with its tokens."""
        text = ctypes.create_string_buffer(64)
        llama_cpp.llama_model_meta_val_str(self._model, b"general.architecture", text, 64)
        architecture = text.value.decode("utf-8", "replace")
        if architecture != "qwen2" and len(self.tokenize("<|im_start|>", special=True)) == 1:
            return "chatml"
        return architecture

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; text becomes control tokens only if ``special``."""
        data = text.encode()
        tokens = (ctypes.c_int32 * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self._vocab, data, len(data), tokens, len(tokens), False, special
        )
        if count < 0:
            raise EngineError("the text could not be tokenised")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""
        known = self._pieces.get(token)
        if known is None:
            text = ctypes.create_string_buffer(_PIECE_BYTES)
            size = llama_cpp.llama_token_to_piece(self._vocab, token, text, _PIECE_BYTES, 0, False)
            known = self._pieces[token] = text.raw[: max(0, size)]
        return known

    def ends(self, token: int) -> bool:
        """Whether the token ends the answer."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def decode(self, entries: Sequence[Entry], cancellation: Cancellation) -> list[Logits]:
        """Run the entries; the logits of the wanted ones, valid until the next call."""
        batch = self._batch
        batch.n_tokens = len(entries)
        for index, entry in enumerate(entries):
            batch.token[index] = entry.token
            batch.pos[index] = entry.position
            batch.seq_id[index][0] = entry.sequence
            batch.logits[index] = entry.wanted
        self._cancellation = cancellation
        status = llama_cpp.llama_decode(self._context, batch)
        if status == _ABORTED:
            raise Cancelled("the request was cancelled")
        if status == _NO_SLOT:
            raise EngineError("the key-value cache is full")
        if status != 0:
            raise EngineError(f"llama.cpp could not decode the batch (status {status})")
        return [self._logits(index) for index, entry in enumerate(entries) if entry.wanted]

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Let ``target`` see the cells of ``source`` from position ``start`` to ``end``."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, start, end)

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence from position ``start`` on."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def close(self) -> None:
        """Free the model; the core must not be used again."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _logits(self, index: int) -> Logits:
        pointer = llama_cpp.llama_get_logits_ith(self._context, index)
        row: Logits = np.ctypeslib.as_array(pointer, shape=(self._vocabulary,))
        return row

    @staticmethod
    def _load_model(model_file: Path, settings: Settings) -> Any:
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = settings.repack
        if llama_cpp.llama_supports_gpu_offload():
            parameters.n_gpu_layers = settings.gpu_layers
        model = llama_cpp.llama_model_load_from_file(os.fsencode(model_file), parameters)
        if not model:
            raise EngineError(f"{model_file.name} could not be loaded as a GGUF model")
        return model

    def _new_context(self, settings: Settings) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = self.cells
        parameters.n_batch = parameters.n_ubatch = settings.batch
        parameters.n_seq_max = settings.slots + 1
        threads = settings.threads or physical_cores()
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        parameters.kv_unified = True
        context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not context:
            raise EngineError(f"there is not enough memory for {self.cells} tokens of context")
        return context


class LlamaEngine:
    """The ``Engine`` that the server uses: a worker thread that owns a ``LlamaCore``."""

    def __init__(self, model_file: Path, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._core = LlamaCore(model_file, settings)
        self._prefix = Prefix(self._core)
        self._worker = Worker(settings.waiting)
        self._family = self._core.family

    @property
    def family(self) -> str:
        """The architecture name that selects the chat template."""
        return self._family

    @property
    def context(self) -> int:
        """Tokens that one request (prompt and answer) may hold."""
        return self._core.context

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text; the vocabulary is read-only, so no turn is needed."""
        return self._core.tokenize(text, special=False)

    def count(self, prompt: Prompt) -> int:
        """How many tokens a prompt has."""
        return len(encode(self._core, prompt))

    def generate(
        self, request: Generation, on_text: OnText | None, cancellation: Cancellation
    ) -> Generated:
        """Continue a prompt; see ``Engine.generate``."""
        return self._run(
            lambda: generation.generate(self._core, self._prefix, request, on_text, cancellation),
            cancellation,
        )

    def branch(self, query: BranchQuery, cancellation: Cancellation) -> Branched:
        """Find likely alternatives to a forced answer; see ``Engine.branch``."""
        return self._run(
            lambda: branching.branch(self._core, self._prefix, query, cancellation), cancellation
        )

    def score(
        self, prompt: Prompt, continuations: Sequence[str], cancellation: Cancellation
    ) -> Scored:
        """Log-likelihood of each continuation; see ``Engine.score``."""
        return self._run(
            lambda: scoring.score(self._core, self._prefix, prompt, continuations, cancellation),
            cancellation,
        )

    def close(self) -> None:
        """Finish what is queued, stop the worker and free the model; once only."""
        self._worker.close()
        self._core.close()

    def _run(self, job: Callable[[], _Result], cancellation: Cancellation) -> _Result:
        def settled() -> _Result:
            try:
                return job()
            finally:
                self._prefix.settle()

        return self._worker.run(settled, cancellation)


def system_info() -> str:
    """What this build of llama.cpp was compiled for: instruction sets and GPU backends."""
    info: bytes = llama_cpp.llama_print_system_info()
    return info.decode()
