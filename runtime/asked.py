"""What a request for generated text means to the engine and to the parser of tool calls."""

import json
from dataclasses import dataclass, field
from typing import Any

from runtime import wire
from runtime.engine_api import Constraint, Generation, Prompt, Sampling
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
    if choice not in (None, "auto") and _constraint(body) is not None:
        raise BadRequest("tool_choice: a forced call cannot be combined with another format")
    must = choice not in (None, "auto")
    calling = Calls(wanted, parallel=body.parallel_tool_calls is not False)
    return AskedTools(tools, calling, Forced(wanted) if must else None)


def generation(
    body: wire.ChatRequest | wire.CompletionRequest, prompt: Prompt, owner: str
) -> Generation:
    """The request as the engine takes it; raises BadRequest."""
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    return Generation(
        prompt=prompt,
        n=body.n,
        max_tokens=body.most_tokens,
        sampling=_sampling(body),
        stop=tuple(stop),
        owner=owner,
        likeliest=body.likeliest,
        deterministic=body.deterministic,
        constraint=_constraint(body),
    )


def _sampling(body: wire.GenerationRequest) -> Sampling:
    return Sampling(
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        top_k=body.top_k or 0,
        min_p=body.min_p or 0.0,
        seed=body.seed,
        frequency_penalty=body.frequency_penalty or 0.0,
        presence_penalty=body.presence_penalty or 0.0,
        repeat_penalty=body.repeat_penalty or 1.0,
        logit_bias={int(token): bias for token, bias in (body.logit_bias or {}).items()},
    )


def _constraint(body: wire.ChatRequest | wire.CompletionRequest) -> Constraint | None:
    asked = body.response_format if isinstance(body, wire.ChatRequest) else None
    if asked is None or asked.type == "text":
        return None if body.grammar is None else Constraint("gbnf", body.grammar)
    if body.grammar is not None:
        raise BadRequest("grammar: it cannot be combined with response_format")
    if asked.type == "json_object":
        return Constraint("json_schema", '{"type": "object"}')
    schema = asked.json_schema.schema_ if asked.json_schema else None
    if schema is None:
        raise BadRequest("response_format: json_schema.schema is missing")
    return Constraint("json_schema", json.dumps(schema))


def shown(items: "list[wire.Message] | tuple[wire.Tool, ...]") -> list[dict[str, Any]]:
    """Messages or tools as the chat template takes them."""
    return [item.model_dump(exclude_none=True) for item in items]
