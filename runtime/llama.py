"""llama.cpp through its bindings: the only module that imports them.

``Weights`` is a loaded GGUF file; ``LlamaCore`` is one context on it, with a key-value cache of
its own. Several cores may share the weights.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from runtime.constraint import GuideVocabulary
from runtime.core import Aborted, CacheFull, Entry, State
from runtime.engine_api import EngineError
from runtime.sampling import Logits

_ABORTED = 2
_NO_SLOT = 1
_PIECE_BYTES = 512
_LOG_WARNING, _LOG_ERROR, _LOG_CONTINUES = 3, 4, 5


class _Log:
    """Lets llama.cpp's warnings through; the rest is thousands of lines for each load."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, level: int, text: bytes, _: Any) -> None:
        if level != _LOG_CONTINUES:
            self._shown = level in (_LOG_WARNING, _LOG_ERROR)
        if self._shown:
            sys.stderr.write(text.decode("utf-8", "replace"))


# At module level because llama.cpp keeps only the bare pointer.
_LOG = llama_cpp.llama_log_callback(_Log())

# llama.cpp asks some 500 times a decode whether to go on. Asked of a Python function, that costs
# a switch of threads each time whenever the server is busy too (and 0.7 µs when it is not), so
# it asks the C library how long a string is: empty is no, one letter is yes.
_ASK = llama_cpp.ggml_abort_callback(
    ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value or 0
)


@dataclass(frozen=True)
class ContextShape:
    """``cells`` tokens over all ``sequences``; at most ``batch`` entries in one decode."""

    context: int
    cells: int
    sequences: int
    batch: int
    threads: int


class Weights:
    """A loaded GGUF model, its vocabulary included."""

    def __init__(self, model_file: Path, *, repack: bool, gpu_layers: int) -> None:
        """Raises EngineError where the file cannot be loaded."""
        llama_cpp.llama_log_set(_LOG, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = repack
        if offloads():
            parameters.n_gpu_layers = gpu_layers
        self.pointer = llama_cpp.llama_model_load_from_file(os.fsencode(model_file), parameters)
        if not self.pointer:
            raise EngineError(f"{model_file.name} could not be loaded as a GGUF model")
        self.vocab: Any = llama_cpp.llama_model_get_vocab(self.pointer)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.trained_context = llama_cpp.llama_model_n_ctx_train(self.pointer)
        self._pieces: dict[int, bytes] = {}

    @property
    def family(self) -> str:
        """The architecture that the file declares, or ``chatml`` for others with its tokens."""
        text = ctypes.create_string_buffer(64)
        llama_cpp.llama_model_meta_val_str(self.pointer, b"general.architecture", text, 64)
        architecture = text.value.decode("utf-8", "replace")
        if architecture != "qwen2" and len(self.tokenize("<|im_start|>", special=True)) == 1:
            return "chatml"
        return architecture

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; text becomes control tokens only if ``special``."""
        data = text.encode()
        tokens = (ctypes.c_int32 * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self.vocab, data, len(data), tokens, len(tokens), False, special
        )
        if count < 0:
            raise EngineError("the text could not be tokenised")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""
        known = self._pieces.get(token)
        if known is None:
            text = ctypes.create_string_buffer(_PIECE_BYTES)
            size = llama_cpp.llama_token_to_piece(self.vocab, token, text, _PIECE_BYTES, 0, False)
            known = self._pieces[token] = text.raw[: max(0, size)]
        return known

    def ends(self, token: int) -> bool:
        """Whether the token ends the answer."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocab, token))

    def guide_vocabulary(self) -> GuideVocabulary:
        """All tokens in their order, for answers that follow a grammar."""
        control = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        everything = range(self.vocabulary)
        special = [
            token
            for token in everything
            if llama_cpp.llama_vocab_get_attr(self.vocab, token) & control
        ]
        ends = [token for token in special if self.ends(token)]
        if not ends:
            raise EngineError("this model has no token that ends an answer")
        return GuideVocabulary([self.piece(token) for token in everything], special, ends)

    def close(self) -> None:
        """Free the weights, after the cores on them."""
        llama_cpp.llama_model_free(self.pointer)


class LlamaCore:
    """One context on some weights; see ``runtime.core.Core``."""

    def __init__(self, weights: Weights, shape: ContextShape) -> None:
        self.context = shape.context
        self.cells = shape.cells
        self.sequences = shape.sequences
        self.batch = shape.batch
        self._weights = weights
        self.piece = weights.piece
        self.tokenize = weights.tokenize
        self.ends = weights.ends
        self._context = self._new_context(shape)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = _Batch(shape.batch)
        self._flag = ctypes.create_string_buffer(2)
        llama_cpp.llama_set_abort_callback(
            self._context, _ASK, ctypes.cast(self._flag, ctypes.c_void_p)
        )

    def decode(self, entries: Sequence[Entry]) -> list[Logits]:
        """Run the entries; the logits of the wanted ones, valid until the next call."""
        wanted = self._batch.fill(entries)
        status = llama_cpp.llama_decode(self._context, self._batch.pointer)
        if status == _ABORTED:
            self._flag[0] = b"\0"
            raise Aborted
        if status == _NO_SLOT:
            raise CacheFull("the key-value cache is full")
        if status != 0:
            raise EngineError(f"llama.cpp could not decode the batch (status {status})")
        if not wanted:
            return []
        rows = llama_cpp.llama_get_logits(self._context)
        return list(np.ctypeslib.as_array(rows, shape=(wanted, self._weights.vocabulary)))

    def abort(self) -> None:
        """End the running decode soon, or the next one at once; from any thread."""
        self._flag[0] = b"\1"

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Let ``target`` see the cells of ``source`` from position ``start`` to ``end``."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, start, end)

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence from position ``start`` on."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def save(self, sequence: int) -> State:
        """All that the cache holds of a sequence, as bytes."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        state: State = np.empty(size, dtype=np.uint8)
        llama_cpp.llama_state_seq_get_data(self._context, _bytes(state), size, sequence)
        return state

    def load(self, sequence: int, state: State) -> bool:
        """Put saved cells back as ``sequence``; whether there was room."""
        size = len(state)
        done = llama_cpp.llama_state_seq_set_data(self._context, _bytes(state), size, sequence)
        return bool(done)

    def close(self) -> None:
        """Free the context; the core must not be used again."""
        llama_cpp.llama_free(self._context)

    def _new_context(self, shape: ContextShape) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = shape.cells
        parameters.n_batch = parameters.n_ubatch = shape.batch
        parameters.n_seq_max = shape.sequences
        parameters.n_threads = parameters.n_threads_batch = shape.threads
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        parameters.kv_unified = True
        context = llama_cpp.llama_init_from_model(self._weights.pointer, parameters)
        if not context:
            raise EngineError(f"there is not enough memory for {shape.cells} tokens of context")
        return context


class _Batch:
    """The arrays that ``llama_decode`` reads, filled anew for every call."""

    def __init__(self, size: int) -> None:
        self._token = np.zeros(size, dtype=np.int32)
        self._position = np.zeros(size, dtype=np.int32)
        self._count = np.ones(size, dtype=np.int32)
        self._sequence = np.zeros(size, dtype=np.int32)
        self._wanted = np.zeros(size, dtype=np.int8)
        first = self._sequence.ctypes.data
        self._sequences = np.arange(first, first + 4 * size, 4, dtype=np.uintp)
        batch = self.pointer = llama_cpp.llama_batch()
        batch.token = _as(self._token, ctypes.c_int32)
        batch.pos = _as(self._position, ctypes.c_int32)
        batch.n_seq_id = _as(self._count, ctypes.c_int32)
        batch.seq_id = _as(self._sequences, ctypes.POINTER(ctypes.c_int32))
        batch.logits = _as(self._wanted, ctypes.c_int8)

    def fill(self, entries: Sequence[Entry]) -> int:
        """Take the entries; returns how many of them want logits."""
        size = len(entries)
        tokens, positions, sequences, wanted = zip(*entries, strict=True)
        self._token[:size] = tokens
        self._position[:size] = positions
        self._sequence[:size] = sequences
        self._wanted[:size] = wanted
        self.pointer.n_tokens = size
        return sum(wanted)


def layer_count(model_file: Path) -> int:
    """How many layers the file declares; nothing but its header and vocabulary is read."""
    llama_cpp.llama_log_set(_LOG, ctypes.c_void_p())
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(os.fsencode(model_file), parameters)
    if not model:
        raise EngineError(f"{model_file.name} could not be loaded as a GGUF model")
    layers = int(llama_cpp.llama_model_n_layer(model))
    llama_cpp.llama_model_free(model)
    return layers


def offloads() -> bool:
    """Whether this build can compute on a GPU."""
    return bool(llama_cpp.llama_supports_gpu_offload())


def version() -> str:
    """Of the bindings, which come with one version of llama.cpp."""
    return str(llama_cpp.__version__)


def system_info() -> str:
    """What this build of llama.cpp was compiled for: instruction sets and GPU backends."""
    info: bytes = llama_cpp.llama_print_system_info()
    return info.decode()


def most_sequences() -> int:
    """How many sequences llama.cpp can tell apart in one context."""
    return int(llama_cpp.llama_max_parallel_sequences())


def _as(array: npt.NDArray[Any], kind: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))


def _bytes(state: State) -> Any:
    return _as(state, ctypes.c_uint8)
