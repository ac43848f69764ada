"""Interactive login: the page the package sends people to, and exchanging the token they paste for keys."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from labelwright.edge.context import Context
from labelwright.services import logins
from labelwright.services.access import Actor
from labelwright.vendors.roboflow import wire
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.wire import Refused

CLIENT = "Roboflow login"


def nobody(_context: Context, _session: Session, _request: Request) -> Actor:
    """Who asks without a key: somebody with no rights at all."""
    return Actor(0, "", "", {})


def page(ask: Ask) -> Response:
    """On to our own page, where people are signed in."""
    if not ask.request.scope.get("root_path") and not ask.context.settings.public_url:
        # This host serves nothing but this API at its root, and our pages' address is not known.
        raise Refused(404, "Open /auth-cli at the address of this server's own pages.", "NotFoundError")
    workspace = ask.query.get("workspace")
    target = f"{ask.call.base_url}/auth-cli" + (f"?{urlencode({'workspace': workspace})}" if workspace else "")
    return RedirectResponse(target, 303)


def token(ask: Ask) -> Response:
    """Keys by workspace for a token, which is spent by this; `null` when it is not good, as the package expects."""
    found = logins.redeem(ask.session, ask.params["token"], CLIENT)
    keys: dict[str, Any] = {
        wire.short(space.uid): {"url": space.slug, "name": space.name, "apiKey": key} for space, key in found
    }
    return wire.answer(keys or None)
