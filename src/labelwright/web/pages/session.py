"""Signing in and out, and one's own account."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from labelwright.db import now
from labelwright.edge import auth
from labelwright.edge.context import Context
from labelwright.errors import Invalid, Unauthenticated
from labelwright.models.identity import SignIn, Team, User
from labelwright.models.projects import Project
from labelwright.services import access, identity, tries
from labelwright.web import words
from labelwright.web.view import View, go, html


def login_page(request: Request) -> Response:
    """The form to sign in."""
    return html(request, "login.html", None, next=_own(request.query_params.get("next", "")))


def login(request: Request, email: str, password: str, target: str) -> Response:
    """Check e-mail and password and hand out the cookie."""
    context: Context = request.app.state.context
    auth.check_origin(context, request)
    user_id = auth.password(context, email, password, auth.address(request))
    with context.database.write() as session:
        tries.succeeded(session, email)
        token = identity.sign_in(session, session.get_one(User, user_id), context.settings.session_days)
    response = go(request, _own(target) or "/")
    auth.set_cookie(context, response, token)
    return response


def logout(view: View) -> Response:
    """End this sign-in."""
    identity.sign_out(view.session, view.request.cookies.get(auth.COOKIE, ""))
    response = view.done("/login")
    auth.clear_cookie(view.context, response)
    return response


def start(view: View) -> Response:
    """The page that answers the actor's first question: managers see their projects, who only looks the dataset (of one project),
    all others their work."""
    if view.actor.teams("label"):
        return view.done("/projects" if view.actor.teams("manage") else "/work")
    query = access.visible_projects(view.actor).where(Project.archived_at.is_(None)).limit(2)
    found = list(view.session.scalars(query))
    return view.done(f"/projects/{found[0].uid}/dataset" if len(found) == 1 else "/projects")


def account(view: View) -> Response:
    """Name, password, theme, teams, sign-ins."""
    session, actor = view.session, view.actor
    open_sign_ins = (
        select(func.count()).select_from(SignIn).where(SignIn.user_id == actor.user_id, SignIn.expires_at > now())
    )
    teams = session.scalars(select(Team).where(Team.id.in_(actor.roles)).order_by(Team.name))
    return view.page(
        "account.html",
        user=session.get_one(User, actor.user_id),
        teams=[(team, words.ROLES[actor.roles[team.id]][0]) for team in teams],
        sign_ins=session.scalar(open_sign_ins) or 0,
    )


def rename(view: View) -> Response:
    """Change one's own name."""
    identity.rename(view.session, _me(view), view.text("name"))
    return view.done("/account", "Saved.")


def change_password(view: View) -> Response:
    """Change one's own password; every other sign-in ends, this browser gets a new one."""
    user = _me(view)
    try:
        identity.authenticate(view.session, user.email, str(view.form.get("present") or ""))
    except Unauthenticated:
        raise Invalid("The present password is wrong.", field="present") from None
    if view.form.get("password") != view.form.get("again"):
        raise Invalid("The two new passwords differ.", field="again")
    identity.set_password(view.session, user, str(view.form.get("password") or ""))
    token = identity.sign_in(view.session, user, view.context.settings.session_days)
    response = view.done("/account", "Your password is changed; other browsers are signed out.")
    auth.set_cookie(view.context, response, token)
    return response


def logout_everywhere(view: View) -> Response:
    """End every sign-in of the actor, this one too."""
    identity.sign_out_everywhere(view.session, view.actor.user_id)
    response = view.done("/login", "You are signed out everywhere.")
    auth.clear_cookie(view.context, response)
    return response


def _me(view: View) -> User:
    return view.session.get_one(User, view.actor.user_id)


def _own(target: str) -> str:
    """`target` when it is an address of ours, else nothing: no sign-in may lead to another site."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if inside else ""
