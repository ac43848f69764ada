"""One call of a method: who asks, what was sent as typed values, and the rows that its ids name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request

from labelwright.edge import auth
from labelwright.edge.call import Call, OfCall
from labelwright.edge.context import Context
from labelwright.errors import NotFound, Unauthenticated
from labelwright.models.identity import Team, Workspace
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.services import access, identity
from labelwright.services.access import Actor
from labelwright.vendors.supervisely import wire
from labelwright.vendors.supervisely.wire import MISSING, Refused

CHUNK = 500


@dataclass
class Ask(OfCall):
    """A call being answered. `body`: its JSON object or list (a GET's query); `prepared`: what `Method.prepare` made
    before the transaction, such as files that are in the store already."""

    call: Call
    body: Any
    prepared: Any = None

    def has(self, name: str) -> bool:
        """Whether a field was sent and is not null."""
        return isinstance(self.body, dict) and self.body.get(name) is not None

    def value(self, name: str, default: Any = MISSING) -> Any:
        """A field of the body; `default` when it is missing or null. Raises `Refused` when it must be there."""
        if self.has(name):
            return self.body[name]
        if default is MISSING:
            raise Refused(400, f"{name} is missing.")
        return default

    def whole(self, name: str, default: Any = MISSING) -> Any:
        """A field that is a whole number."""
        value = self.value(name, default)
        return wire.whole(value, name) if self.has(name) else value

    def text(self, name: str, default: Any = MISSING, most: int = 100_000) -> Any:
        """A field that is a text."""
        value = self.value(name, default)
        return wire.text(value, name, most) if self.has(name) else value

    def flag(self, name: str, default: Any = MISSING) -> Any:
        """A field that is true or false."""
        value = self.value(name, default)
        return wire.flag(value, name) if self.has(name) else value

    def object(self, name: str, default: Any = MISSING) -> Any:
        """A field that is a JSON object."""
        value = self.value(name, default)
        return wire.object_of(value, name) if self.has(name) else value

    def list(self, name: str, default: Any = MISSING, most: int = 100_000) -> Any:
        """A field that is a list."""
        value = self.value(name, default)
        return wire.list_of(value, name, most) if self.has(name) else value

    def wholes(self, name: str, default: Any = MISSING, most: int = 100_000) -> Any:
        """A field that is a list of whole numbers."""
        value = self.list(name, default, most)
        return [wire.whole(v, f"{name}[{n}]") for n, v in enumerate(value)] if self.has(name) else value

    def team(self, name: str = "teamId", right: str = "view") -> Team:
        """The team that a field names."""
        return access.team(self.session, self.actor, self.whole(name), right)

    def workspace(self, name: str = "workspaceId", right: str = "view") -> Workspace:
        """The workspace that a field names."""
        return access.workspace(self.session, self.actor, self.whole(name), right)

    def project(self, name: str = "projectId", right: str = "view") -> Project:
        """The project that a field names; an archived one is not there."""
        found = access.project(self.session, self.actor, self.whole(name), right)
        if found.archived_at is not None:
            raise NotFound("There is no such project.")
        return found

    def batch(self, name: str = "datasetId", right: str = "view") -> Batch:
        """The batch (their word is dataset) that a field names."""
        return self.batch_of(self.whole(name), right)

    def batch_of(self, ref: int, right: str = "view") -> Batch:
        """A batch by its id; one of an archived project is not there."""
        row = self.session.get(Batch, ref)
        if row is None or gone(row.extra) or self._hidden(row.project_id):
            raise NotFound(f"There is no dataset {ref}.")
        return access.batch(self.session, self.actor, ref, right)

    def item(self, name: str = "id", right: str = "view") -> Item:
        """The image or video that a field names."""
        return self.items([self.whole(name)], right)[0]

    def items(self, refs: list[int], right: str = "view", *, batch: Batch | None = None) -> list[Item]:
        """Images or videos by their ids, in that order. Raises `NotFound` naming the first that is not there, or that is
        not in `batch`, with which an id from elsewhere is an error in what was sent (400)."""
        rows: dict[int, Item] = {}
        unique = list(dict.fromkeys(refs))
        for start in range(0, len(unique), CHUNK):
            query = select(Item).where(Item.id.in_(unique[start : start + CHUNK]))
            rows |= {row.id: row for row in self.session.scalars(query)}
        for project_id in dict.fromkeys(row.project_id for row in rows.values()):
            project = self.session.get_one(Project, project_id)
            if not self._sees(project):
                rows = {key: row for key, row in rows.items() if row.project_id != project_id}
            else:
                access.project(self.session, self.actor, project_id, right)
        for ref in unique:
            if ref not in rows:
                raise NotFound(f"There is no image or video {ref}.")
            if batch is not None and rows[ref].batch_id != batch.id:
                raise Refused(400, f"{ref} is not in the dataset {batch.id}.")
        return [rows[ref] for ref in refs]

    def project_of(self, row: Item | Batch) -> Project:
        """The project of a row that was found already."""
        return self.session.get_one(Project, row.project_id)

    def _sees(self, project: Project) -> bool:
        actor = self.actor
        return (
            project.team_id in actor.roles
            and actor.workspace_id in (None, project.workspace_id)
            and project.archived_at is None
        )

    def _hidden(self, project_id: int) -> bool:
        return not self._sees(self.session.get_one(Project, project_id))


@dataclass(frozen=True)
class Method:
    """A method of the API. `write`: its handler changes something; `prepare`: work done before the transaction, after the
    caller was let in, handed the decoded body or form; `form`: its body is a multipart form; `public`: needs no key."""

    handler: Callable[[Ask], Any]
    write: bool = False
    prepare: Callable[[Context, Actor, Any], Any] | None = None
    form: bool = False
    public: bool = False


Methods = dict[str, Method]
NOBODY = Actor(0, "", "", {})


def extra_of(row: Any) -> dict[str, Any]:
    """What only this vendor knows of a row."""
    return dict((row.extra or {}).get("supervisely") or {})


def keep(row: Any, **values: Any) -> None:
    """Remember what only this vendor knows of a row; a value of None is forgotten."""
    kept = {key: value for key, value in {**extra_of(row), **values}.items() if value is not None}
    row.extra = {**(row.extra or {}), "supervisely": kept}


def gone(extra: dict[str, Any] | None) -> bool:
    """Whether a row was archived by this vendor's clients."""
    return bool(((extra or {}).get("supervisely") or {}).get("archived"))


def actor_of(_context: Context, session: Session, request: Request) -> Actor:
    """The actor of `x-api-key`. Raises `Unauthenticated`."""
    key = auth.bearer(request)
    if not key:
        raise Unauthenticated("Send your API key in the header x-api-key (the package: set API_TOKEN).")
    return identity.by_key(session, key)


def nobody(_context: Context, _session: Session, _request: Request) -> Actor:
    """The actor of a public method."""
    return NOBODY
