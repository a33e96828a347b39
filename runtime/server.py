"""The OpenAI-compatible server: one process, one model, loopback only.

``python -m runtime.server --model-file PATH --model-id ID`` reads its bearer token from the
environment variable LOCUM_TOKEN and prints one line of JSON once the model is loaded.
"""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from runtime import chat_template, completions, openapi, plain, refusals, replies, wire
from runtime.answering import Answering, Work
from runtime.asked import BadRequest, asked_tools, generation, shown
from runtime.engine_api import (
    BranchQuery,
    Cancellation,
    Engine,
    Generated,
    Generation,
    OnText,
    Prompt,
    PromptTooLong,
    Segment,
)
from runtime.engine_metrics import EngineCollector
from runtime.guard import Guard
from runtime.metrics import Counted, Metrics
from runtime.tool_choice import Forced


def create_app(
    engine: Engine, token: str, model_id: str = "local", owner: str | None = None
) -> FastAPI:
    """The application around a loaded model; every route wants the bearer ``token``.

    ``owner`` is a secret that stands for the token where it has to last longer than the token.
    """
    app = FastAPI(title="locum runtime", docs_url=None, redoc_url=None)
    # Added as middleware, so it stands before routing and also guards unknown paths.
    app.add_middleware(Guard, token=token)
    metrics = Metrics()
    # Outermost, so that refused requests count too.
    app.add_middleware(Counted, metrics=metrics)
    metrics.registry.register(EngineCollector(engine.state))
    # Whose prompts these are; the token itself need not be known any further.
    digest = hashlib.sha256((owner or token).encode()).hexdigest()
    service = _Service(engine, model_id, digest, metrics)
    app.add_api_route("/health", service.health, methods=["GET"])
    app.add_api_route(
        "/metrics", service.metrics, methods=["GET"], response_class=PlainTextResponse
    )
    app.add_api_route("/v1/models", service.models, methods=["GET"])
    app.add_api_route("/tokenize", service.tokenize, methods=["POST"])
    for path, route, responses in (
        ("/v1/chat/completions", service.chat, openapi.CHAT),
        ("/v1/completions", service.complete, openapi.PLAIN),
    ):
        app.add_api_route(path, route, methods=["POST"], response_model=None, responses=responses)
    app.add_api_route("/v1/branch", service.branch, methods=["POST"])
    app.add_api_route("/v1/score", service.score, methods=["POST"])
    openapi.describe(app)
    refusals.handle(app)
    return app


class _Service:
    """The routes; each engine call runs on a thread and ends when its client leaves."""

    def __init__(self, engine: Engine, model_id: str, owner: str, metrics: Metrics) -> None:
        self._engine = engine
        self._owner = owner
        self._model = model_id
        self._metrics = metrics
        self._answering = Answering(metrics)

    async def health(self) -> dict[str, Any]:
        """Whether the server answers, and with which model."""
        return {"status": "ok", "model": self._model, "context": self._engine.context}

    async def metrics(self) -> Response:
        """Counters and histograms for Prometheus."""
        return Response(self._metrics.answer(), media_type=CONTENT_TYPE_LATEST)

    async def models(self) -> dict[str, Any]:
        """The one model there is."""
        item = {"id": self._model, "object": "model", "created": 0, "owned_by": "locum"}
        return {"object": "list", "data": [item]}

    async def tokenize(self, body: wire.TokenizeRequest) -> wire.TokenizeResponse:
        """Token ids of plain text."""
        return wire.TokenizeResponse(tokens=self._engine.tokenize(body.content))

    async def chat(self, body: wire.ChatRequest, request: Request) -> Response:
        """``/v1/chat/completions``."""
        try:
            tools = asked_tools(body)
            asked = generation(body, self._prompt(body, tools.shown), self._owner)
        except BadRequest as error:
            raise HTTPException(400, str(error)) from error
        forced = tools.forced
        needed = self._engine.count(asked.prompt)
        if needed >= self._engine.context:
            raise PromptTooLong(needed, self._engine.context)

        def work(on_text: OnText, gone: Cancellation) -> Generated:
            def once(one: Generation) -> Generated:
                return self._engine.generate(one, on_text, gone)

            return once(asked) if forced is None else forced.generate(asked, once)

        def whole(made: Generated) -> dict[str, Any]:
            return replies.whole(self._model, made, tools.calling)

        writer = replies.ChunkWriter(self._model, body.n, tools.calling)
        return await self._answer(body, request, work, writer, whole, forced)

    async def complete(self, body: wire.CompletionRequest, request: Request) -> Response:
        """``/v1/completions``."""
        self._require(body.model)
        try:
            work = plain.understood(self._engine, body, self._owner)
        except (BadRequest, completions.NoFillMarkers) as error:
            raise HTTPException(400, str(error)) from error
        work.require()
        writer = completions.ChunkWriter(self._model, work.samples)
        return await self._answer(
            body, request, work, writer, lambda made: completions.whole(self._model, made)
        )

    async def _answer(
        self,
        body: wire.GenerationRequest,
        request: Request,
        work: Work,
        writer: replies.Writer,
        whole: Callable[[Generated], dict[str, Any]],
        forced: Forced | None = None,
    ) -> Response:
        """The generated text as a stream or as one object."""

        def counted(made: Generated) -> dict[str, Any]:
            held = {"guarantee": made.guarantee, "accepted_drafts": made.accepted_drafts}
            how = {} if forced is None else {"tool_choice": forced.how}
            return {"usage": replies.generation_usage(made), "locum": held | how}

        if not body.stream:
            made = await self._answering.whole(request, work)
            return JSONResponse(whole(made) | counted(made))
        counts = body.stream_options is not None and body.stream_options.include_usage
        return await self._answering.stream(
            request, work, writer, held=forced is not None, counted=counted if counts else None
        )

    async def branch(self, body: wire.BranchRequest, request: Request) -> wire.BranchResponse:
        """``/v1/branch``: where would the model rather leave the forced answer?"""
        query = BranchQuery(
            prompt=self._prompt(body),
            owner=self._owner,
            **body.model_dump(exclude={"model", "messages"}),
        )
        found = await self._answering.call(request, lambda gone: self._engine.branch(query, gone))
        counts = replies.usage(found.prompt_tokens, found.completion_tokens, found.cached_tokens)
        items = [wire.BranchItem.model_validate(vars(branch)) for branch in found.branches]
        return wire.BranchResponse(
            model=self._model, branches=items, usage=wire.UsageCounts.model_validate(counts)
        )

    async def score(self, body: wire.ScoreRequest, request: Request) -> wire.ScoreResponse:
        """``/v1/score``: log-likelihood of continuations of one conversation."""
        prompt = self._prompt(body)
        offsets = body.offsets or [len(body.forced)] * len(body.continuations)
        cuts = sorted({0, *offsets})
        behind = [len(prompt) + cuts.index(offset) for offset in offsets]
        begun = [Segment(body.forced[start:end]) for start, end in pairwise(cuts)]
        scored = await self._answering.call(
            request,
            lambda gone: self._engine.score(
                [*prompt, *begun], body.continuations, gone, self._owner, behind
            ),
        )
        counts = replies.usage(scored.prompt_tokens, 0, scored.cached_tokens)
        items = [wire.ScoreItem.model_validate(vars(score)) for score in scored.scores]
        return wire.ScoreResponse(
            model=self._model, scores=items, usage=wire.UsageCounts.model_validate(counts)
        )

    def _prompt(
        self,
        body: wire.ChatRequest | wire.BranchRequest | wire.ScoreRequest,
        tools: tuple[wire.Tool, ...] = (),
    ) -> Prompt:
        self._require(body.model)
        return chat_template.render(self._engine.family, shown(body.messages), shown(tools))

    def _require(self, model: str) -> None:
        if model != self._model:
            raise HTTPException(404, f"there is no model {model!r} here, only {self._model!r}")


if __name__ == "__main__":
    from runtime.serve import main

    main()
