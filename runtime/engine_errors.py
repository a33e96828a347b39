"""How a request to the engine can end other than well."""


class EngineError(Exception):
    """The engine failed; the text is one sentence."""


class PromptTooLong(EngineError):
    """The prompt does not fit into the context; nothing was run."""

    def __init__(self, prompt_tokens: int, context: int) -> None:
        super().__init__(
            f"the prompt has {prompt_tokens} tokens but the context holds {context} tokens "
            "and must leave room for an answer"
        )
        self.prompt_tokens = prompt_tokens
        self.context = context


class EngineBusy(EngineError):
    """The queue is full; try again after about ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadGrammar(EngineError):
    """The schema or grammar that the answer should follow makes no sense; nothing was run."""


class Cancelled(EngineError):
    """The request was cancelled before it ended."""
