"""The page that describes the API; everything on it is served by us."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labelwright API</title>
<link rel="icon" href="/static/brand.svg">
<link rel="stylesheet" href="/static/apidocs/swagger-ui.css">
</head>
<body>
<main id="api" data-url="{url}">
<noscript>This page needs scripts. The description itself is <a href="{url}">openapi.json</a>.</noscript>
</main>
<script src="/static/apidocs/swagger-ui-bundle.js"></script>
<script src="/static/js/apidocs.js"></script>
</body>
</html>
"""


async def docs(request: Request) -> HTMLResponse:
    """The API's description, to read and to try out. Anybody may read it: it is the same on every server."""
    return HTMLResponse(PAGE.format(url=escape(f"{request.scope.get('root_path', '')}/openapi.json")))
