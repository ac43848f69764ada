"""Items: the gallery with labels drawn on the pictures, actions on many, and each item's page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from starlette.responses import Response

from labelwright.errors import Invalid, NotFound
from labelwright.models.identity import Team, User
from labelwright.models.items import Item
from labelwright.models.projects import Batch, Project
from labelwright.models.work import Comment, Issue, Task
from labelwright.services import access, collections, documents, items, jobs, media, ontology, revisions
from labelwright.web import listing, overlay, pictures, words
from labelwright.web.pages.common import project_of, project_page, rights, url_of
from labelwright.web.view import View

PAGE = 60
COUNT_TO = 10_000
KEYS = ("batch", "collection", "class", "state", "job", "media", "comments", "labels", "dataset", "q", "as")


def index(view: View, uid: str) -> Response:
    """A page of items, newest first; `after` asks for the tiles that follow."""
    project = project_of(view, uid)
    only, filters = listing.asked_for(view, project)
    asked = {key: view.query.get(key, "") for key in KEYS}
    page = listing.items_page(view, project, only, PAGE)
    context: dict[str, Any] = {
        "rows": listing.item_rows(view, project, page.rows),
        "more": page.next or "",
        "asked": asked,
        "base": url_of(project, "/items"),
        "may": rights(view, project.team_id),
    }
    template = "_items_table.html" if asked["as"] == "table" else "_items.html"
    if view.query.get("after"):
        return view.part(template, project, **context)
    context |= {
        "filters": filters,
        "total": None if filters else _count(view, project),
        "most": COUNT_TO,
        **_choices(view, project),
    }
    context.pop("may")
    return project_page(view, "items.html", project, "items", rows_template=template, **context)


def show(view: View, uid: str) -> Response:
    """One item: its picture with labels, media, tasks, comments, history. `frame` and `version` choose what is drawn."""
    item = access.item(view.session, view.actor, uid)
    project = view.session.get_one(Project, item.project_id)
    files = items.media_of(view.session, item.id)
    frames = [(row, file) for row, file in files if row.role == "frame"]
    frame = _number(view, "frame", len(frames))
    newest = documents.read(view.session, item.id)
    version = _number(view, "version", newest.version + 1, newest.version)
    stored = newest if version == newest.version else documents.read(view.session, item.id, version=version)
    width, height = pictures.frame_size(item, frames, frame)
    drawn = (
        overlay.draw(stored.document, listing.colors(view.session, project), width, height, frame, large=True)
        if width and height
        else ""
    )
    tasks = list(view.session.scalars(select(Task).where(Task.item_id == item.id).order_by(Task.id.desc()).limit(20)))
    rows = listing.task_rows(view, project, tasks)
    comments = list(
        view.session.scalars(select(Comment).where(Comment.item_id == item.id).order_by(Comment.id.desc()).limit(50))
    )
    return project_page(
        view,
        "item.html",
        project,
        "items",
        [("Items", url_of(project, "/items")), (item.name, "")],
        item=item,
        picture=pictures.full(view, item, files, frame),
        labels=drawn,
        stored=stored,
        newest=newest.version,
        frames=frames,
        frame=frame,
        strip=pictures.of_media(view, [file for _, file in frames]),
        files=files,
        batch=view.session.get_one(Batch, item.batch_id),
        tasks=rows,
        hidden=any(row.author_hidden for row in rows),
        comments=comments,
        issues=listing.by_id(view.session, Issue, {c.issue_id for c in comments}),
        collections=collections.of_item(view.session, item.id),
        people=listing.by_id(view.session, User, {c.author_id for c in comments}),
        history=revisions.history(view.session, item.id, limit=20) if newest.version else [],
        classes=_classes(stored),
        team_uid=view.session.get_one(Team, project.team_id).uid,
        words=words,
    )


def act(view: View, uid: str) -> Response:
    """Do one thing with the items that are ticked."""
    project = project_of(view, uid, "manage")
    wanted = [access.as_uid(text) for text in view.texts("item")]
    ids = list(
        view.session.scalars(
            select(Item.id).where(Item.project_id == project.id, Item.uid.in_([u for u in wanted if u]))
        )
    )
    if not ids:
        raise Invalid("Tick some items first.", field="item")
    said = _do(view, project, view.text("verb"), ids)
    return view.done(
        view.text("back") if view.text("back").startswith(url_of(project)) else url_of(project, "/items"), said
    )


def restore(view: View, uid: str, version: str) -> Response:
    """Set the labels back to an earlier version, as a new version."""
    item = access.item(view.session, view.actor, uid, "manage")
    if not version.isdigit() or len(version) > 9:
        raise NotFound("There is no such version.")
    saved = documents.restore(view.session, view.actor, item, int(version))
    return view.done(f"/items/{item.uid}", f"Version {version} is back, as version {saved.version}.")


def retry(view: View, uid: str) -> Response:
    """Fetch again what failed of an item."""
    item = access.item(view.session, view.actor, uid, "manage")
    media.retry(view.session, view.actor, item)
    return view.done(f"/items/{item.uid}", "The media is being fetched again.")


def _do(view: View, project: Project, verb: str, ids: list[int]) -> str:
    session, count = view.session, f"{len(ids):,} " + ("item" if len(ids) == 1 else "items")
    match verb:
        case "move":
            batch = access.batch(session, view.actor, view.text("batch"), "manage")
            items.move(session, project, ids, batch)
            return f"Moved {count} to {batch.name}."
        case "tag":
            tags = [tag.strip() for tag in view.text("tags").split(",") if tag.strip()]
            remove = view.text("how") == "remove"
            items.set_tags(session, project, ids, () if remove else tags, tags if remove else ())
            return f"{'Took the tags off' if remove else 'Tagged'} {count}."
        case "accept":
            items.accept(session, project, ids, view.text("split") or None)
            return f"{count} in the dataset."
        case "withdraw":
            items.withdraw(session, project, ids)
            return f"{count} out of the dataset; frozen versions keep them."
        case "job":
            job = jobs.create(session, view.actor, project, view.text("name"), items=ids)
            return f"Made the job {job.name} with {count}."
        case "retry":
            return f"Fetching {media.retry_items(session, ids):,} files again."
        case "delete":
            items.remove(session, project, ids)
            return f"Deleted {count}."
    raise Invalid("There is no such action.", field="verb")


def _count(view: View, project: Project) -> int:
    """How many there are, up to `COUNT_TO`: exact for what people look through, and quick for a million."""
    some = select(Item.id).where(Item.project_id == project.id).limit(COUNT_TO + 1).subquery()
    return view.session.scalar(select(func.count()).select_from(some)) or 0


def _choices(view: View, project: Project) -> dict[str, Any]:
    return {
        "batches": listing.batch_names(view.session, project),
        "collections": [(str(c.uid), c.name) for c in collections.of_project(view.session, project)],
        "classes": [(c.name, c.display_name or c.name) for c in ontology.classes_of(view.session, project.id)],
        "states": [(key, said) for key, (_, said) in words.TASK_LOOKS.items()],
        **{f"{key}_choices": list(choices.items()) for key, choices in listing.CHOICES.items()},
    }


def _classes(stored: documents.Stored) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for thing in stored.document.objects:
        counts[thing.class_name] = counts.get(thing.class_name, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _number(view: View, key: str, below: int, default: int = 0) -> int:
    text = view.query.get(key, "")
    value = int(text) if text.isdigit() and len(text) < 10 else default
    return value if value < below else default
