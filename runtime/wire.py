"""What travels over HTTP: the subset of OpenAI's completions that is served, chat and plain, and
our own branch and score requests. Client and server share nothing else."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_SAMPLES = 256
Role = Literal["system", "developer", "user", "assistant", "tool"]
PositiveInt = Annotated[int, Field(ge=1)]
Opener = Annotated[str, Field(min_length=1, max_length=32)]


class Wire(BaseModel):
    """Clients send more fields than are known here; what matters is refused by name."""

    # Strict: the OpenAPI document says "integer", so "7" is refused.
    model_config = ConfigDict(extra="ignore", strict=True)


class TextPart(Wire):
    """One piece of a message's content; only text is understood."""

    type: Literal["text"]
    text: str


class FunctionCall(Wire):
    """Name and JSON arguments of a call."""

    name: str
    arguments: str


class ToolCallPart(Wire):
    """A call in an assistant message."""

    id: str = ""
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Wire):
    """One message of a conversation."""

    role: Role
    content: str | list[TextPart] | None = None
    tool_calls: list[ToolCallPart] | None = None
    tool_call_id: str | None = None


class Function(Wire):
    """A tool that the model may call; ``parameters`` is a JSON Schema."""

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(Wire):
    """An entry of ``tools``."""

    type: Literal["function"] = "function"
    function: Function


class ToolName(Wire):
    """Part of ``NamedTool``."""

    name: str


class NamedTool(Wire):
    """``tool_choice``: this tool must be called."""

    type: Literal["function"] = "function"
    function: ToolName


class StreamOptions(Wire):
    """``include_usage``: one more event with the token counts."""

    include_usage: bool = False


class GenerationRequest(Wire):
    """What every request for generated text may say."""

    model: str
    n: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    # Refused unless neutral: to ignore them silently would give a wrong answer.
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None


class ChatRequest(GenerationRequest):
    """``POST /v1/chat/completions``."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    logprobs: Literal[False] | None = None
    response_format: "TextFormat | None" = None

    @property
    def most_tokens(self) -> int | None:
        """Tokens of one answer; None: as many as the context still holds."""
        return self.max_completion_tokens or self.max_tokens


class CompletionRequest(GenerationRequest):
    """``POST /v1/completions``: plain text goes on, or, with ``suffix``, the gap is filled."""

    prompt: Annotated[str, Field(min_length=1)]
    suffix: str | None = None
    # The default of OpenAI's route, which is not that of the chat route.
    max_tokens: PositiveInt = 16
    echo: Literal[False] | None = None
    logprobs: None = None

    @property
    def most_tokens(self) -> int:
        """Tokens of one answer."""
        return self.max_tokens


class TextFormat(Wire):
    """The only response format there is."""

    type: Literal["text"]


class BranchRequest(Wire):
    """``POST /v1/branch``: where would the model rather leave ``forced``?"""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    forced: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=0, le=2000)] = 100
    per_position: Annotated[int, Field(ge=1, le=50)] = 6
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 48
    stop: Annotated[str, Field(min_length=1)] = "\n"
    first: Annotated[int, Field(ge=0)] = 0
    last: Annotated[int, Field(ge=0)] | None = None
    line_starts: Annotated[int, Field(ge=0, le=2000)] = 0
    lines: Annotated[int, Field(ge=1, le=100)] = 1
    rejoin: Annotated[int, Field(ge=0, le=100)] = 0
    blocks: Annotated[dict[Opener, list[Opener]], Field(max_length=32)] = {}


class BranchItem(Wire):
    """One branch; see ``runtime.client.Branch``."""

    offset: int
    end: int
    text: str
    log_probability: float
    surprise: float
    finished: bool


class PromptDetails(Wire):
    """Part of ``usage``."""

    cached_tokens: int = 0


class UsageCounts(Wire):
    """Token counts of one request."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class BranchResponse(Wire):
    """Branches, likeliest first."""

    object: Literal["branches"] = "branches"
    model: str
    branches: list[BranchItem]
    usage: UsageCounts


class ScoreRequest(Wire):
    """``POST /v1/score``: how likely is each continuation as the assistant's answer?

    ``forced`` is how the answer begins, in front of all of them.
    """

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    forced: str = ""
    continuations: Annotated[list[str], Field(min_length=1, max_length=1000)]


class ScoreItem(Wire):
    """Sum of log-probabilities (nats) over ``tokens`` tokens."""

    log_probability: float
    tokens: int


class ScoreResponse(Wire):
    """Scores in the order of the continuations."""

    object: Literal["scores"] = "scores"
    model: str
    scores: list[ScoreItem]
    usage: UsageCounts


class TokenizeRequest(Wire):
    """``POST /tokenize``."""

    content: str


class TokenizeResponse(Wire):
    """Token ids of the content as plain text."""

    tokens: list[int]
