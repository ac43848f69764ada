"""Who is calling: an API key in a header, or a browser's sign-in cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection
from starlette.responses import Response

from labelwright.edge.context import Context
from labelwright.errors import Forbidden, Unauthenticated
from labelwright.services import identity, tries
from labelwright.services.access import Actor

COOKIE = "labelwright"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def bearer(request: HTTPConnection) -> str | None:
    """The API key in `Authorization: Bearer KEY` or `x-api-key`, if any."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key") or None


def actor(context: Context, session: Session, request: HTTPConnection) -> Actor:
    """The caller. Raises `Unauthenticated`, or `Forbidden` for a write that another site sent with our cookie."""
    key = bearer(request)
    if key is not None:
        return identity.by_key(session, key)
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated()
    check_origin(context, request)
    return identity.by_token(session, token)


def password(context: Context, email: str, secret: str, address: str) -> int:
    """Id of the person with that password. Raises `Unauthenticated`, or `TooMany` after too many wrong tries.

    Hashing takes a third of a second on purpose, and no write waits for it."""
    try:
        with context.database.read() as session:
            tries.check(session, email, address)
            return identity.authenticate(session, email, secret).id
    except Unauthenticated:
        with context.database.write() as session:
            tries.failed(session, email, address)
        raise


def check_origin(context: Context, request: HTTPConnection) -> None:
    """Refuse writes that a browser sends on behalf of another site (CSRF). Call it wherever a cookie is set or used.

    Every current browser sends `Sec-Fetch-Site`; `Origin` covers the older ones. Clients that are no browsers send neither."""
    if request.scope.get("method", "GET") in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site in {"same-origin", "none"}:
            return
        raise Forbidden("This request came from another site.", code="cross_site")
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(context.settings.public_url).netloc}
    if origin is not None and origin.partition("://")[2] not in own - {""}:
        raise Forbidden("This request came from another site.", code="cross_site")


def set_cookie(context: Context, response: Response, token: str) -> None:
    """Hand the browser its sign-in; scripts cannot read it and other sites' writes do not carry it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=context.settings.session_days * 86400,
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
        path="/",
    )


def clear_cookie(context: Context, response: Response) -> None:
    """Take the sign-in back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=context.settings.secure_cookies)


def address(request: HTTPConnection) -> str:
    """The caller's network address, as far as the server knows it (a trusted proxy's header is applied by uvicorn)."""
    return request.client.host if request.client else "unknown"
