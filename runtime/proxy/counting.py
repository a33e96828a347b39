"""How many tokens a prompt has and how many the upstream can hold, as far as can be known here.

The upstream's own tokenizer is asked where it has a route for that. Elsewhere there is a lower
bound: byte-pair tokenizers split text by a pattern first and no token crosses its pieces (Radford
et al. 2019, section 2.2, and the patterns of later models), so each word, number and run of
punctuation is one token at least.
"""

import re
from collections.abc import Sequence
from typing import Any

from runtime.proxy.asked import Asked
from runtime.proxy.failures import Failure, cut, too_long
from runtime.proxy.quirks import Memory, Quirk
from runtime.proxy.upstream import Upstream

# A word takes an apostrophe in, and one sign before it; signs alone stand for themselves.
_PIECE = re.compile(r"[^\w\s]?[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]+|_+(?![^\W\d_])")
# Rarely a token does cross pieces; and a few counts leave the template's own tokens out.
_SURELY = 0.9
# Words are often more than one token: a prompt that may be too long is answered only when the
# upstream's own count is known.
_PERHAPS = 1.6
# No server has a smaller context; counts below it come from those that leave cached tokens out.
_SMALLEST_CONTEXT = 256
_TOKENS_OF_A_MESSAGE = 3


def fewest_tokens(texts: Sequence[str]) -> int:
    """A number of tokens that these texts have at least, with any usual tokenizer."""
    return sum(1 for text in texts for _ in _PIECE.finditer(text))


class Measure:
    """What is known of one prompt's size; refuses what would be cut."""

    def __init__(self, asked: Asked, fewest: int, exact: int | None, context: int | None) -> None:
        self._fewest = int(fewest * _SURELY) if exact is None else exact
        self._exact = exact is not None
        self._context = context
        self._batch = asked.kind == "text" and isinstance(asked.body.get("prompt"), list)

    @property
    def doubtful(self) -> bool:
        """Whether the answer must wait until the upstream's own count is known."""
        if self._context is None or self._exact or self._batch:
            return False
        return self._fewest * _PERHAPS >= self._context

    def refuse(self) -> None:
        """Raise Failure for a prompt that surely does not fit."""
        if self._context is not None and not self._batch and self._fewest >= self._context:
            raise too_long(self._fewest, self._context, at_least=not self._exact)

    def judge(self, usage: Any) -> Failure | None:
        """The failure of an upstream whose own count says that it cut the prompt."""
        read = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if not isinstance(read, int) or read < _SMALLEST_CONTEXT:
            return None
        return cut(self._fewest, read) if read < self._fewest else None


class Counter:
    """Measures prompts for one upstream; what it says of itself is asked once."""

    def __init__(self, upstream: Upstream, memory: Memory, context: int | None) -> None:
        self._upstream = upstream
        self._memory = memory
        self._given = context
        self._contexts: dict[str, int] = {}
        self._tokenizes = True

    async def measure(self, asked: Asked) -> Measure | None:
        """The size of a prompt; None when it is not to be watched."""
        if not self._memory.heals(Quirk.TRUNCATION):
            return None
        texts = asked.texts()
        fewest = fewest_tokens(texts)
        context = self._given or await self._context(asked.model)
        exact = None
        if context is not None and fewest * _PERHAPS >= context:
            exact = await self._count(asked, texts)
        return Measure(asked, fewest, exact, context)

    async def _context(self, model: str) -> int | None:
        if model not in self._contexts:
            found = await self._find(model)
            if found is None:
                return None
            self._contexts[model] = found
        return self._contexts[model]

    async def _find(self, model: str) -> int | None:
        """vLLM and LM Studio tell in the list of models, llama.cpp and Ollama in routes of their
        own; Ollama only once the model is loaded."""
        listed = await self._upstream.look("/models")
        for entry in _entries(listed, "data"):
            if entry.get("id") == model:
                keys = ("max_model_len", "loaded_context_length", "context_window", "context")
                if found := _number(entry, *keys):
                    return found
        properties = await self._upstream.look("/props", root=True)
        settings = properties.get("default_generation_settings")
        if isinstance(settings, dict) and (found := _number(settings, "n_ctx")):
            return found
        running = await self._upstream.look("/api/ps", root=True)
        for entry in _entries(running, "models"):
            if model in (entry.get("name"), entry.get("model")):
                return _number(entry, "context_length")
        return None

    async def _count(self, asked: Asked, texts: Sequence[str]) -> int | None:
        if not self._tokenizes:
            return None
        # llama.cpp and locum read `content`, vLLM `prompt`.
        text = "\n".join(texts)
        body = {"model": asked.model, "content": text, "prompt": text}
        told = await self._upstream.look("/tokenize", root=True, body=body)
        tokens = told.get("tokens")
        if not isinstance(tokens, list):
            self._tokenizes = False
            return None
        extra = _TOKENS_OF_A_MESSAGE * len(texts) if asked.kind == "chat" else 0
        return len(tokens) + extra


def _entries(told: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = told.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _number(told: dict[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = told.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= _SMALLEST_CONTEXT:
            return value
    return None
