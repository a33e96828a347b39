"""What travels over HTTP: the subset of OpenAI's completions that is served, chat and plain, and
our own branch and score requests. Client and server share nothing else."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_SAMPLES = 256
Role = Literal["system", "developer", "user", "assistant", "tool"]
PositiveInt = Annotated[int, Field(ge=1)]
Stop = Annotated[str, Field(min_length=1, max_length=1024)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Bias = Annotated[float, Field(ge=-100, le=100)]
TokenId = Annotated[str, Field(pattern=r"^[0-9]{1,7}$")]
MOST_LIKELIEST = 20
Text = Annotated[str, Field(min_length=1)]
Likeliest = Annotated[int, Field(ge=0, le=MOST_LIKELIEST)]
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
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=64)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    logit_bias: Annotated[dict[TokenId, Bias], Field(max_length=1024)] | None = None
    deterministic: bool = False
    # GBNF, as llama.cpp's own server takes it.
    grammar: str | None = None


class ChatRequest(GenerationRequest):
    """``POST /v1/chat/completions``."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Likeliest | None = None
    response_format: "ResponseFormat | None" = None

    @property
    def most_tokens(self) -> int | None:
        """Tokens of one answer; None: as many as the context still holds."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def likeliest(self) -> int | None:
        """Alternatives to tell of each token; None: no scores."""
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(GenerationRequest):
    """``POST /v1/completions``: plain text goes on, or, with ``suffix``, the gap is filled."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_SAMPLES)]
    suffix: str | None = None
    # The default of OpenAI's route, which is not that of the chat route. 0 only with `echo`.
    max_tokens: Annotated[int, Field(ge=0)] = 16
    echo: bool | None = None
    logprobs: Likeliest | None = None

    @property
    def most_tokens(self) -> int:
        """Tokens of one answer."""
        return self.max_tokens

    @property
    def likeliest(self) -> int | None:
        """Alternatives to tell of each token; None: no scores."""
        return self.logprobs

    @property
    def prompts(self) -> list[str]:
        """One text, or several that are answered side by side."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class SchemaFormat(Wire):
    """Part of ``ResponseFormat``."""

    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    name: str = ""
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class ResponseFormat(Wire):
    """What an answer must look like: anything, any JSON object, or by a JSON Schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaFormat | None = None


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

    ``forced`` is how the answer begins, in front of all of them. With ``offsets`` a continuation
    stands behind the first so many characters of it instead: what is common is read once.
    """

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    forced: str = ""
    continuations: Annotated[list[str], Field(min_length=1, max_length=1000)]
    offsets: list[Annotated[int, Field(ge=0)]] | None = None

    @model_validator(mode="after")
    def _offsets_fit(self) -> Self:
        if self.offsets is None:
            return self
        if len(self.offsets) != len(self.continuations):
            raise ValueError("offsets: there must be one for each continuation")
        if max(self.offsets) > len(self.forced):
            raise ValueError(f"offsets: forced has {len(self.forced)} characters")
        return self


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
