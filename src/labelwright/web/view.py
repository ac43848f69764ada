"""One request for a page: the transaction, who asks, the form, and ways to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from labelwright.edge.call import Call, OfCall, run
from labelwright.edge.context import Context
from labelwright.models.projects import Project
from labelwright.services.access import Actor
from labelwright.web.render import render

THEMES = ("auto", "light", "dark")
Handler = Callable[..., Response]


@dataclass
class View(OfCall):
    """What a page's handler is handed. `form`: the posted fields, empty on a GET."""

    call: Call
    form: FormData

    def text(self, name: str, default: str = "") -> str:
        """A posted field without the space around it."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All values of a posted field that has several."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.text(name) == "true"

    def page(self, template: str, section: str = "", project: Project | None = None, **context: Any) -> Response:
        """A whole page."""
        return html(self.request, template, self.actor, section=section, project=project, **context)

    def part(self, template: str, project: Project | None = None, **context: Any) -> Response:
        """A piece of a page, to be put into one."""
        return HTMLResponse(render(template, actor=self.actor, project=project, **context))

    def done(self, url: str, text: str = "") -> Response:
        """After a change: on to `url`, with a few words of what happened."""
        return go(self.request, url, text)

    def again(self, url: str, text: str) -> Response:
        """After a change that the page at `url` itself offers: it is shown anew, where one had scrolled to."""
        response = go(self.request, url, text)
        if is_part(self.request):
            del response.headers["hx-redirect"]
            response.headers["hx-refresh"] = "true"
        return response


def is_part(request: Request) -> bool:
    """Whether the request came from a script of ours that puts the answer into a page."""
    return request.headers.get("hx-request") == "true"


def go(request: Request, url: str, text: str = "") -> Response:
    """Send the browser to `url`; `text` is shown there once."""
    response: Response
    if is_part(request):
        response = Response(headers={"hx-redirect": url})
    else:
        response = RedirectResponse(url, 303)
    if text:
        response.set_cookie("flash", quote(text), max_age=60, httponly=True, samesite="lax", path="/")
    return response


def html(
    request: Request, template: str, actor: Actor | None, *, status: int = 200, section: str = "",
    project: Project | None = None, **context: Any,
) -> Response:  # fmt: skip
    """A whole page in its frame."""
    theme = request.cookies.get("theme", "auto")
    flash = unquote(request.cookies.get("flash", ""))[:300]
    body = render(
        template,
        actor=actor,
        section=section,
        project=project,
        theme=theme if theme in THEMES else "auto",
        flash=flash,
        nav={"work": actor is not None and bool(actor.teams("label"))},
        **context,
    )
    response = HTMLResponse(body, status)
    if flash:
        response.delete_cookie("flash", path="/")
    return response


def handle(handler: Handler) -> Callable[[Request], Any]:
    """A Starlette endpoint that runs `handler(view, **path parameters)` in the request's transaction, in a worker thread."""

    async def endpoint(request: Request) -> Response:
        form = await request.form() if request.method == "POST" else FormData()
        try:
            return await run_in_threadpool(answer, request, form)
        finally:
            await form.close()

    def shown(request: Request, form: FormData, call: Call) -> Response:
        request.state.actor = call.actor  # an error is shown in their frame
        return handler(View(call, form), **request.path_params)

    def answer(request: Request, form: FormData) -> Response:
        context: Context = request.app.state.context
        return run(context, request, partial(shown, request, form))

    endpoint.__name__, endpoint.__doc__ = handler.__name__, handler.__doc__
    return endpoint
