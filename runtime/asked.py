"""What a request for generated text means to the engine and to the parser of tool calls."""

from dataclasses import dataclass, field
from typing import Any

from runtime import wire
from runtime.engine_api import Generation, Prompt, Sampling
from runtime.replies import Calls
from runtime.tool_choice import Forced
from runtime.tool_schema import BadSchema, Tools


class BadRequest(ValueError):
    """The request contradicts itself; the text is one sentence."""


@dataclass(frozen=True)
class AskedTools:
    """The tools that the model is shown, those it may call, and those of which it must call one."""

    shown: tuple[wire.Tool, ...] = ()
    calling: Calls = field(default_factory=Calls)
    forced: Forced | None = None


def asked_tools(body: wire.ChatRequest) -> AskedTools:
    """What ``tools``, ``tool_choice`` and ``parallel_tool_calls`` say; raises BadRequest."""
    tools = tuple(body.tools or ())
    functions = [tool.function.model_dump(exclude_none=True) for tool in tools]
    names = [str(function["name"]) for function in functions]
    if len(set(names)) < len(names):
        raise BadRequest("tools: two of them have the same name")
    try:
        Tools(functions).require()
    except BadSchema as error:
        raise BadRequest(f"tools: {error}") from error
    choice = body.tool_choice
    if choice == "none":
        return AskedTools()
    if choice == "required" and not tools:
        raise BadRequest("tool_choice: `required` needs tools to choose from")
    wanted = functions
    if isinstance(choice, wire.NamedTool):
        wanted = [function for function in functions if function["name"] == choice.function.name]
        if not wanted:
            raise BadRequest(f"tool_choice: there is no tool {choice.function.name!r}")
    must = choice not in (None, "auto")
    calling = Calls(wanted, parallel=body.parallel_tool_calls is not False)
    return AskedTools(tools, calling, Forced(wanted) if must else None)


def generation(body: wire.ChatRequest | wire.CompletionRequest, prompt: Prompt) -> Generation:
    """The request as the engine takes it."""
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    return Generation(
        prompt=prompt,
        n=body.n,
        max_tokens=body.most_tokens,
        sampling=_sampling(body),
        stop=tuple(stop),
    )


def _sampling(body: wire.GenerationRequest) -> Sampling:
    return Sampling(
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        top_k=body.top_k or 0,
        min_p=body.min_p or 0.0,
        seed=body.seed,
    )


def shown(items: "list[wire.Message] | tuple[wire.Tool, ...]") -> list[dict[str, Any]]:
    """Messages or tools as the chat template takes them."""
    return [item.model_dump(exclude_none=True) for item in items]
