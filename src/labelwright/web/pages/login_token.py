"""Signing in a vendor's command line: a token for it, made by the person who is signed in here."""

from __future__ import annotations

from starlette.responses import Response

from labelwright.errors import Invalid
from labelwright.models.identity import Workspace
from labelwright.services import access, logins
from labelwright.web.view import View


def show(view: View) -> Response:
    """Choose what the command line may reach. `workspace` in the query (a slug): the one it asked for, first."""
    wanted = view.query.get("workspace", "")
    spaces = sorted(_spaces(view), key=lambda space: (space.slug != wanted, space.name))
    asked = next((space for space in spaces if space.slug == wanted), None)
    return view.page("login_token.html", section="team", spaces=spaces, asked=asked, wanted=wanted)


def make(view: View) -> Response:
    """The token, shown once."""
    chosen = set(view.texts("workspace"))
    spaces = [space for space in _spaces(view) if str(space.uid) in chosen]
    if not spaces:
        raise Invalid("Choose at least one workspace.", field="workspace")
    first = view.text("first")
    spaces.sort(key=lambda space: (str(space.uid) != first, space.name))
    token = logins.make(view.session, view.actor, spaces)
    minutes = int(logins.LASTS.total_seconds() // 60)
    return view.part("_login_token.html", token=token, minutes=minutes, spaces=spaces)


def _spaces(view: View) -> list[Workspace]:
    return list(view.session.scalars(access.visible_workspaces(view.actor).order_by(Workspace.name)))
