"""Routes of our API: a handler is a plain function of a `Call`; transaction, JSON and idempotency are done here."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.utils import create_model_field
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import BaseRoute

from labelwright.api.problems import MEDIA_TYPE
from labelwright.edge.call import Call, run
from labelwright.errors import Invalid, Problem
from labelwright.services import idempotency

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What is wrong, and where.", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}}
}  # fmt: skip


async def raw_body(request: Request) -> bytes:
    """The body as it came; empty for an upload, which its own route reads as a form."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        return b""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


class StrictRequest(Request):
    """A request whose JSON is read strictly: no NaN, no Infinity."""

    async def json(self) -> Any:
        body = await self.body()
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise json.JSONDecodeError(str(error).removeprefix("JSON is malformed: "), "", 0) from error


class StrictRoute(APIRoute):
    """A route that refuses query keys it does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = _query_keys(self.dependant)

        async def strict(request: Request) -> Response:
            unknown = [key for key in request.query_params if key not in known]
            if unknown:
                some = f"; known are {', '.join(sorted(known))}" if known else ", this address takes none"
                faults = [
                    Problem(f"There is no query key {key!r}{some}.", key, code="unknown_field") for key in unknown
                ]
                raise Invalid(problems=faults)
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


class Routes(APIRouter):
    """A router whose handlers take a `Call` as their first argument and answer with what becomes the JSON body.

    A handler annotated to return None answers 204. POST routes that answer 201 or 202 honour `Idempotency-Key`.
    `reads=True`: a POST that only reads. `streams=True`: the handler reads the body itself and answers a Response."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=StrictRoute, **options)

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], *, status_code: int | None = None, methods: Any = None, **options: Any
    ) -> None:  # fmt: skip
        hints = typing.get_type_hints(endpoint, include_extras=True)
        result = hints.get("return")
        if status_code is None:
            status_code = 204 if result is type(None) else 200
        responses = {**ERRORS, **(options.pop("responses", None) or {})}
        shown = result not in (None, type(None)) and not (inspect.isclass(result) and issubclass(result, Response))
        if shown:
            responses.setdefault(status_code, {})
        creates = "POST" in (methods or ()) and status_code in (201, 202)
        options["operation_id"] = options.get("operation_id") or endpoint.__name__
        options["response_model"] = None
        handler = in_transaction(endpoint, hints, status_code, creates)
        if shown:
            _answers[handler] = (status_code, result)
        super().add_api_route(
            path,
            handler,
            status_code=status_code,
            methods=methods,
            responses=responses,
            **options,
        )


def describe_answers(routes: Sequence[BaseRoute]) -> None:
    """Let routes know the types of what they answer. Only the OpenAPI document needs them, and making them for every
    start takes time and memory."""
    for route in iter_route_contexts(routes):
        if route.endpoint in _answers:
            status, model = _answers[route.endpoint]
            name = f"Response_{status}_{route.unique_id}"
            route.response_fields[status] = create_model_field(name=name, type_=model, mode="serialization")


_answers: dict[Any, tuple[int, Any]] = {}


def in_transaction(
    endpoint: Callable[..., Any], hints: dict[str, Any], status: int, creates: bool
) -> Callable[..., Response]:
    """A FastAPI handler that runs `endpoint` in the request's one transaction and sends what it returns as JSON."""

    def handler(request: Request, labelwright_raw: bytes = b"", **arguments: Any) -> Response:
        context = request.app.state.context

        def answer(call: Call) -> Response:
            key = request.headers.get("idempotency-key") if creates else None
            if key is None:
                return respond(endpoint(call, **arguments), status)
            identity = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + labelwright_raw
            kept = idempotency.begin(call.session, call.actor, key, identity)
            if isinstance(kept, idempotency.Answered):
                headers = {"idempotency-replayed": "true"}
                return Response(kept.body, kept.status, headers, "application/json")
            response = respond(endpoint(call, **arguments), status)
            idempotency.keep(kept, response.status_code, bytes(response.body))
            return response

        return run(context, request, answer)

    parameters = [
        p.replace(annotation=hints.get(p.name, p.annotation), kind=inspect.Parameter.KEYWORD_ONLY)
        for p in list(inspect.signature(endpoint).parameters.values())[1:]
    ]
    own = [inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)]
    if creates:
        own.append(inspect.Parameter("labelwright_raw", inspect.Parameter.KEYWORD_ONLY, annotation=RawBody))
    handler.__signature__ = inspect.Signature([*own, *parameters])  # type: ignore[attr-defined]
    handler.__name__, handler.__doc__ = endpoint.__name__, endpoint.__doc__
    return handler


def respond(result: Any, status: int = 200) -> Response:
    """A handler's result as the answer: None is empty, a Response is itself, all else JSON."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status_code=204)
    return Response(msgspec.json.encode(result), status, media_type="application/json")


def _query_keys(dependant: Dependant) -> frozenset[str]:
    keys: set[str] = set()
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            keys.update(info.alias or name for name, info in kind.model_fields.items())
        else:
            keys.add(field.alias)
    for inner in dependant.dependencies:
        keys |= _query_keys(inner)
    return frozenset(keys)
