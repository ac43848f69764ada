"""The OpenAPI 3.1 document: what FastAPI derives, and what it cannot know."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from labelwright.api.problems import ProblemBody
from labelwright.api.routing import describe_answers

REF = "#/components/schemas/{name}"
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Text of your own. The same request sent again under it within a day happens once and is answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 120},
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "labelwright", "description": "A browser's sign-in."},
}


def document(app: FastAPI, tags: list[dict[str, str]], structs: dict[str, Any]) -> dict[str, Any]:
    """The document of an app, made once. `structs`: the msgspec types that schemas name by `x-msgspec`."""
    if app.openapi_schema is None:
        describe_answers(app.routes)
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes,
            openapi_version="3.1.0", tags=tags, servers=[{"url": "/api/v1"}],
        )  # fmt: skip
        components = found.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        _add_problem(schemas)
        for path in found["paths"].values():
            for operation in path.values():
                _complete(operation)
        _resolve(found["paths"], schemas, structs)
        _resolve(dict(schemas), schemas, structs)
        components["securitySchemes"] = SECURITY
        found["security"] = [{name: []} for name in SECURITY]
        app.openapi_schema = found
    return app.openapi_schema


def struct_body(kind: str, media_type: str = "application/json") -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body itself, as the msgspec type of this name."""
    return {
        "requestBody": {
            "required": True,
            "content": {media_type: {"schema": {"x-msgspec": kind}}},
        }
    }


def _complete(operation: dict[str, Any]) -> None:
    if {"201", "202"} & set(operation["responses"]) and "x-stream" not in operation:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)


def _resolve(node: Any, schemas: dict[str, Any], structs: dict[str, Any]) -> None:
    """Replace each `x-msgspec` by a reference, and put what it refers to among the components."""
    if isinstance(node, list):
        for inner in node:
            _resolve(inner, schemas, structs)
    elif isinstance(node, dict):
        kind = node.pop("x-msgspec", None)
        if kind is not None:
            (schema,), found = msgspec.json.schema_components([structs[kind]], ref_template=REF)
            schemas.update(found)
            node.update(schema)
        for inner in list(node.values()):
            _resolve(inner, schemas, structs)


def _add_problem(schemas: dict[str, Any]) -> None:
    problem = TypeAdapter(ProblemBody).json_schema(ref_template=REF.replace("{name}", "{model}"))
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemBody"] = problem
