"""Log-probabilities of tokens in OpenAI's two shapes: of chats and of plain completions."""

from collections.abc import Sequence
from typing import Any

from runtime.engine_api import TokenScore


def chat(scores: Sequence[TokenScore]) -> dict[str, Any]:
    """``logprobs`` of a chat's choice; the bytes say what half a character stands for."""
    return {"content": [_chat_token(score) for score in scores], "refusal": None}


def plain(scores: Sequence[TokenScore], offset: int = 0) -> dict[str, Any]:
    """``logprobs`` of a plain completion; ``offset``: characters of the text before these tokens.

    A token that ends within a character gets the offset of that character's beginning.
    """
    offsets: list[int] = []
    data = b""
    for score in scores:
        offsets.append(offset + len(data.decode("utf-8", "ignore")))
        data += score.piece
    return {
        "tokens": [_text(score.piece) for score in scores],
        "token_logprobs": [score.log_probability for score in scores],
        "top_logprobs": [_alternatives(score) for score in scores],
        "text_offset": offsets,
    }


def _alternatives(score: TokenScore) -> dict[str, float] | None:
    if score.log_probability is None:
        return None
    return {_text(piece): value for _, piece, value in score.likeliest}


def _chat_token(score: TokenScore) -> dict[str, Any]:
    likeliest = [_entry(piece, value) for _, piece, value in score.likeliest]
    return _entry(score.piece, score.log_probability) | {"top_logprobs": likeliest}


def _entry(piece: bytes, log_probability: float | None) -> dict[str, Any]:
    return {"token": _text(piece), "logprob": log_probability, "bytes": list(piece)}


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")
