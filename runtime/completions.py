"""Plain completions in OpenAI's shape: text that goes on, or a gap that is filled.

The markers around a gap are those that Qwen2.5-Coder was trained with (Qwen2.5-Coder Technical
Report, arXiv 2409.12186, section 3.2.2).
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from runtime import scores
from runtime.engine_api import Engine, Finish, Generated, Prompt, Sample, Segment, TokenScore
from runtime.replies import generation_usage, new_id, sse


class _Markers(NamedTuple):
    """Control tokens of a family: what stands before the gap, behind it, and then in it."""

    prefix: str
    suffix: str
    middle: str


_MARKERS = {"qwen2": _Markers("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")}


class NoFillMarkers(ValueError):
    """The model was not trained to fill gaps; the text is one sentence."""


def prompt(engine: Engine, text: str, suffix: str | None) -> Prompt:
    """The prompt that asks for what follows ``text``, and precedes ``suffix`` if there is one.

    Raises NoFillMarkers for a suffix that the model cannot be shown.
    """
    if not suffix:
        return [Segment(text)]
    markers = _MARKERS.get(engine.family)
    # Another model of the family may have a vocabulary without them.
    if markers is None or any(engine.count([Segment(m, special=True)]) != 1 for m in markers):
        raise NoFillMarkers("this model cannot fill a gap; leave `suffix` out")
    return [
        Segment(markers.prefix, special=True),
        Segment(text),
        Segment(markers.suffix, special=True),
        Segment(suffix),
        Segment(markers.middle, special=True),
    ]


def whole(model: str, generated: Generated) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    choices = [
        _choice(index, sample.text, sample.finish, sample.scores)
        for index, sample in enumerate(generated.samples)
    ]
    return _frame(model) | {"choices": choices, "usage": generation_usage(generated)}


class ChunkWriter:
    """Writes the server-sent events of one streamed completion; see ``replies.Writer``."""

    def __init__(self, model: str, samples: int) -> None:
        self._frame = _frame(model)
        self._samples = samples

    def opening(self) -> str:
        """Every sample, empty, before the prompt is even read."""
        return "".join(self.text(index, "") for index in range(self._samples))

    def sign(self) -> str:
        """A sign of life without content."""
        return self.text(0, "")

    def text(self, index: int, text: str) -> str:
        """New text of a sample."""
        return sse(self._frame | {"choices": [_choice(index, text)]})

    def closing(self, index: int, sample: Sample) -> str:
        """The end of a sample, with the scores of all its tokens if they were asked for."""
        choice = _choice(index, "", sample.finish, sample.scores)
        return sse(self._frame | {"choices": [choice]})

    def last(self, fields: dict[str, Any]) -> str:
        """The event that ``include_usage`` asks for: no choice, but the token counts."""
        return sse(self._frame | {"choices": []} | fields)


def _frame(model: str) -> dict[str, Any]:
    return {
        "id": new_id("cmpl"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
    }


def _choice(
    index: int, text: str, finish: Finish | None = None, tokens: Sequence[TokenScore] = ()
) -> dict[str, Any]:
    odds = scores.plain(tokens) if tokens else None
    return {"index": index, "text": text, "finish_reason": finish, "logprobs": odds}
