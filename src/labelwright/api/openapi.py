"""The OpenAPI 3.1 document: what FastAPI derives, and what it cannot know."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from labelwright.api.problems import ProblemBody
from labelwright.geometry.document import Document, LabelObject

# Parts of documents, for the schemas of answers that carry them.
STRUCTS: dict[Any, Any] = {"LabelObject": LabelObject, "Document": Document}
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


def document(app: FastAPI, tags: list[dict[str, str]]) -> dict[str, Any]:
    """The document of an app, made once."""
    if app.openapi_schema is None:
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
        _resolve(found["paths"], schemas)
        _resolve(dict(schemas), schemas)
        components["securitySchemes"] = SECURITY
        found["security"] = [{name: []} for name in SECURITY]
        app.openapi_schema = found
    return app.openapi_schema


def struct_body(kind: Any, description: str = "") -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body itself, as the msgspec type `kind`."""
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {"application/json": {"schema": {"x-msgspec": kind}}},
        }
    }


def _complete(operation: dict[str, Any]) -> None:
    if {"201", "202"} & set(operation["responses"]) and "x-stream" not in operation:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)


def _resolve(node: Any, schemas: dict[str, Any]) -> None:
    """Replace each `x-msgspec` by a reference, and put what it refers to among the components."""
    if isinstance(node, list):
        for inner in node:
            _resolve(inner, schemas)
    elif isinstance(node, dict):
        kind = node.pop("x-msgspec", None)
        if kind is not None:
            (schema,), found = msgspec.json.schema_components([STRUCTS.get(kind, kind)], ref_template=REF)
            schemas.update(found)
            node.update(schema)
        for inner in node.values():
            _resolve(inner, schemas)


def _add_problem(schemas: dict[str, Any]) -> None:
    problem = TypeAdapter(ProblemBody).json_schema(ref_template=REF.replace("{name}", "{model}"))
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemBody"] = problem
