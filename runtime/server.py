"""The OpenAI-compatible server: one process, one model, loopback only.

``python -m runtime.server --model-file PATH --model-id ID`` reads its bearer token from the
environment variable LOCUM_TOKEN and prints one line of JSON once the model is loaded.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse

from runtime import chat_template, completions, refusals, replies, wire
from runtime.engine_api import (
    BranchQuery,
    Cancellation,
    Cancelled,
    Engine,
    EngineError,
    Generated,
    Generation,
    Prompt,
    PromptTooLong,
    Sampling,
    Segment,
)
from runtime.guard import Guard, error_body

_Result = TypeVar("_Result")
_THREADS = 80
_LOOK_SECONDS = 0.2
# A sign of life in a long prefill: some clients give up on a stream without events.
_LOOKS_PER_SIGN = 25
_log = logging.getLogger(__name__)


def create_app(engine: Engine, token: str, model_id: str = "local") -> FastAPI:
    """The application around a loaded model; every route wants the bearer ``token``."""
    app = FastAPI(title="locum runtime", docs_url=None, redoc_url=None)
    # Added as middleware, so it stands before routing and also guards unknown paths.
    app.add_middleware(Guard, token=token)
    service = _Service(engine, model_id)
    app.add_api_route("/health", service.health, methods=["GET"])
    app.add_api_route("/v1/models", service.models, methods=["GET"])
    app.add_api_route("/tokenize", service.tokenize, methods=["POST"])
    for path, route in (
        ("/v1/chat/completions", service.chat),
        ("/v1/completions", service.complete),
        ("/v1/branch", service.branch),
        ("/v1/score", service.score),
    ):
        app.add_api_route(path, route, methods=["POST"], response_model=None)
    refusals.handle(app)
    return app


class _Service:
    """The routes; each engine call runs on a thread and ends when its client leaves."""

    def __init__(self, engine: Engine, model_id: str) -> None:
        self._engine = engine
        self._model = model_id
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    async def health(self) -> dict[str, Any]:
        """Whether the server answers, and with which model."""
        return {"status": "ok", "model": self._model, "context": self._engine.context}

    async def models(self) -> dict[str, Any]:
        """The one model there is."""
        item = {"id": self._model, "object": "model", "created": 0, "owned_by": "locum"}
        return {"object": "list", "data": [item]}

    async def tokenize(self, body: wire.TokenizeRequest) -> wire.TokenizeResponse:
        """Token ids of plain text."""
        return wire.TokenizeResponse(tokens=self._engine.tokenize(body.content))

    async def chat(self, body: wire.ChatRequest, request: Request) -> Response:
        """``/v1/chat/completions``."""
        tools = [] if body.tool_choice == "none" else body.tools or []
        generation = _generation(body, self._prompt(body.model, body.messages, tools))
        names = [tool.function.name for tool in tools]
        writer = replies.ChunkWriter(self._model, body.n, names)
        return await self._answer(
            body, generation, request, writer, lambda made: replies.whole(self._model, made, names)
        )

    async def complete(self, body: wire.CompletionRequest, request: Request) -> Response:
        """``/v1/completions``."""
        self._require(body.model)
        try:
            prompt = completions.prompt(self._engine, body.prompt, body.suffix)
        except completions.NoFillMarkers as error:
            raise HTTPException(400, str(error)) from error
        writer = completions.ChunkWriter(self._model, body.n)
        return await self._answer(
            body,
            _generation(body, prompt),
            request,
            writer,
            lambda made: completions.whole(self._model, made),
        )

    async def _answer(
        self,
        body: wire.GenerationRequest,
        generation: Generation,
        request: Request,
        writer: replies.Writer,
        whole: Callable[[Generated], dict[str, Any]],
    ) -> Response:
        """The generated text as a stream or as one object."""
        needed = self._engine.count(generation.prompt)
        if needed >= self._engine.context:
            raise PromptTooLong(needed, self._engine.context)
        if body.stream:
            counts = body.stream_options is not None and body.stream_options.include_usage
            events = self._stream(writer, generation, request, counts=counts)
            return StreamingResponse(events, media_type="text/event-stream")
        generated = await self._call(
            request, lambda cancellation: self._engine.generate(generation, None, cancellation)
        )
        return JSONResponse(whole(generated))

    async def branch(self, body: wire.BranchRequest, request: Request) -> wire.BranchResponse:
        """``/v1/branch``: where would the model rather leave the forced answer?"""
        query = BranchQuery(
            prompt=self._prompt(body.model, body.messages),
            **body.model_dump(exclude={"model", "messages"}),
        )
        found = await self._call(request, lambda gone: self._engine.branch(query, gone))
        counts = replies.usage(found.prompt_tokens, found.completion_tokens, found.cached_tokens)
        items = [wire.BranchItem.model_validate(vars(branch)) for branch in found.branches]
        return wire.BranchResponse(
            model=self._model, branches=items, usage=wire.UsageCounts.model_validate(counts)
        )

    async def score(self, body: wire.ScoreRequest, request: Request) -> wire.ScoreResponse:
        """``/v1/score``: log-likelihood of continuations of one conversation."""
        prompt = self._prompt(body.model, body.messages)
        if body.forced:
            prompt = [*prompt, Segment(body.forced)]
        scored = await self._call(
            request, lambda gone: self._engine.score(prompt, body.continuations, gone)
        )
        counts = replies.usage(scored.prompt_tokens, 0, scored.cached_tokens)
        items = [wire.ScoreItem.model_validate(vars(score)) for score in scored.scores]
        return wire.ScoreResponse(
            model=self._model, scores=items, usage=wire.UsageCounts.model_validate(counts)
        )

    def _prompt(
        self, model: str, messages: Sequence[wire.Message], tools: Sequence[wire.Tool] = ()
    ) -> Prompt:
        self._require(model)
        return chat_template.render(
            self._engine.family,
            [message.model_dump(exclude_none=True) for message in messages],
            [tool.model_dump(exclude_none=True) for tool in tools],
        )

    def _require(self, model: str) -> None:
        if model != self._model:
            raise HTTPException(404, f"there is no model {model!r} here, only {self._model!r}")

    async def _call(self, request: Request, work: Callable[[Cancellation], _Result]) -> _Result:
        cancellation = Cancellation()
        task = asyncio.wrap_future(self._threads.submit(work, cancellation))
        try:
            while not (await asyncio.wait([task], timeout=_LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    raise Cancelled("the client left")
            return task.result()
        finally:
            cancellation.cancel()
            task.add_done_callback(_retrieved)

    async def _stream(
        self, writer: replies.Writer, generation: Generation, request: Request, *, counts: bool
    ) -> AsyncIterator[str]:
        news: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def on_text(index: int, text: str) -> None:
            loop.call_soon_threadsafe(news.put_nowait, (index, text))

        def work(cancellation: Cancellation) -> Generated:
            try:
                return self._engine.generate(generation, on_text, cancellation)
            finally:
                loop.call_soon_threadsafe(news.put_nowait, None)

        yield writer.opening()
        task = asyncio.ensure_future(self._call(request, work))
        looks = 0
        try:
            while True:
                try:
                    item = await asyncio.wait_for(news.get(), _LOOK_SECONDS)
                except TimeoutError:
                    looks += 1
                    if looks % _LOOKS_PER_SIGN == 0:
                        yield writer.sign()
                    if task.done():
                        break
                    continue
                if item is None:
                    break
                if events := writer.text(*item):
                    yield events
            generated = await task
            for index, sample in enumerate(generated.samples):
                yield writer.closing(index, sample.finish)
            if counts:
                yield writer.usage(replies.generation_usage(generated))
        except EngineError as error:
            yield replies.sse(refusals.engine_failure(error)[1])
        except Exception:
            _log.exception("the engine failed within a stream")
            yield replies.sse(error_body(refusals.FAILED, "server_error"))
        finally:
            task.cancel()
        yield "data: [DONE]\n\n"


def _generation(body: wire.ChatRequest | wire.CompletionRequest, prompt: Prompt) -> Generation:
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    return Generation(
        prompt=prompt,
        n=body.n,
        max_tokens=body.most_tokens,
        sampling=Sampling(
            temperature=1.0 if body.temperature is None else body.temperature,
            top_p=1.0 if body.top_p is None else body.top_p,
            top_k=body.top_k or 0,
            min_p=body.min_p or 0.0,
            seed=body.seed,
        ),
        stop=tuple(stop),
    )


def _retrieved(task: "asyncio.Future[Any]") -> None:
    """Look at the outcome of work nobody waits for, or asyncio complains about it."""
    if not task.cancelled():
        task.exception()


if __name__ == "__main__":
    from runtime.serve import main

    main()
