"""Images: what is stored already, uploads and links, lists, downloads, names, metadata, removal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from labelwright.edge.context import Context
from labelwright.errors import Invalid, LabelwrightError, NotFound
from labelwright.media.fetch import Fetcher, FetchError
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.models.projects import Batch, Project
from labelwright.services import access, items, media
from labelwright.services.access import Actor
from labelwright.services.items import NewImage
from labelwright.services.media import Ingested, Kept
from labelwright.storage import content_key
from labelwright.vendors.supervisely import datasets, image_filters, image_tags, listing, wire
from labelwright.vendors.supervisely.annotations import claim, keep
from labelwright.vendors.supervisely.asking import CHUNK, Ask, Method, Methods
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.wire import Refused

MOST = 1000
AT_ONCE = 4  # files of one upload that are looked at side by side
# Columns, not entities: a list of a hundred thousand images spends most of its time on those.
_ITEM = Item.__table__.c
COLUMNS = (
    _ITEM.id, _ITEM.project_id, _ITEM.batch_id, _ITEM.name, _ITEM.width, _ITEM.height, _ITEM.meta, _ITEM.source,
    _ITEM.created_by, _ITEM.created_at, _ITEM.updated_at, ItemMedia.url, Media.sha256, Media.mime, Media.size,
    DocumentHead.objects,
)  # fmt: skip
FIELDS = {
    "id": Field(Item.id, ID), "name": Field(Item.name), "datasetId": Field(Item.batch_id, ID), "width": Field(Item.width, ID),
    "height": Field(Item.height, ID), "hash": Field(Media.sha256, lambda v, at: wire.sha256_of(v)), "link": Field(ItemMedia.url),
    "mime": Field(Media.mime), "size": Field(Media.size, ID), "createdBy": Field(Item.created_by, ID),
    "createdAt": Field(Item.created_at, wire.time), "updatedAt": Field(Item.updated_at, wire.time),
}  # fmt: skip
SORTS = {"name": Item.name, "createdAt": Item.created_at, "updatedAt": Item.updated_at, "labelsCount": DocumentHead.objects,
         "size": Media.size}  # fmt: skip


def query_of(kind: str = "image") -> Any:
    """Items with their main file and how many labels they have."""
    return (
        select(*COLUMNS)
        .outerjoin(ItemMedia, (ItemMedia.item_id == Item.id) & (ItemMedia.role == "main") & (ItemMedia.position == 0))
        .outerjoin(Media, Media.id == ItemMedia.media_id)
        .outerjoin(DocumentHead, (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN))
        .where(Item.kind == kind)
    )


def image_json(row: Any, tags: list[dict[str, Any]]) -> dict[str, Any]:
    """An image as the package reads it."""
    (key, project_id, batch_id, name, width, height, meta, source, created_by, created_at, updated_at, url, sha256, mime,
     size, count) = row  # fmt: skip
    kept = (source or {}).get("supervisely") or {}
    path = f"/images/original/{key}/{name}"
    made = wire.moment(created_at)
    return {
        "id": key, "name": name, "link": url or None, "hash": wire.content_id(sha256) if sha256 else None,
        "mime": mime_of(name, mime), "ext": name.rpartition(".")[2], "size": size, "width": width,
        "height": height, "labelsCount": count or 0, "datasetId": batch_id, "projectId": project_id,
        "createdAt": made, "updatedAt": made if updated_at == created_at else wire.moment(updated_at),
        "meta": meta if isinstance(meta, dict) else {}, "pathOriginal": path, "fullStorageUrl": path, "tags": tags,
        "createdBy": created_by, "createdById": created_by, "description": kept.get("description", ""),
        "parentId": kept.get("parentId"),
    }  # fmt: skip


def mime_of(name: str, mime: str | None) -> str | None:
    """The type that is told: the package rewrites names whose ending is another than the type's second part."""
    _, dot, ending = name.rpartition(".")
    return mime if not dot or _same(ending, mime) else None


@lru_cache(maxsize=1024)
def _same(ending: str, mime: str | None) -> bool:
    second = (mime or "").rpartition("/")[2]
    return ending.lower() == second or (second == "jpeg" and ending.lower() in ("jpg", "jpeg", "mpo"))


def shaped(ask: Ask, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of `query_of` as the package reads them."""
    tags = image_tags.of_items(ask, rows)
    return [image_json(row, tags.get(row[0], [])) for row in rows]


def scope(ask: Ask, query: Any) -> Any:
    """Items of the dataset, else of the project, that the body names."""
    if ask.has("datasetId"):
        batch = datasets.of_body(ask)
        chosen = datasets.inside(ask, batch) if ask.flag("recursive", False) else [batch.id]
        return query.where(Item.project_id == batch.project_id, Item.batch_id.in_(chosen))
    project = ask.project()
    return query.where(Item.project_id == project.id, Item.batch_id.in_(datasets.of_project(ask, project)))


def listed(ask: Ask) -> dict[str, Any]:
    """Images of a dataset or a project."""
    query = image_filters.narrowed(ask, scope(ask, query_of()))
    ids = None if ask.has("filters") else scope(ask, select(Item.id).where(Item.kind == "image"))
    return listing.page(ask, query, FIELDS, lambda rows: shaped(ask, rows), id_column=Item.id, sorts=SORTS, ids=ids)


def by_ids(ask: Ask, refs: Sequence[int], kind: str = "image") -> list[dict[str, Any]]:
    """Images by ids that were found to be the caller's, in that order."""
    rows: dict[int, dict[str, Any]] = {}
    query = query_of(kind).where(Item.id.in_(bindparam("ids", expanding=True)))
    for start in range(0, len(refs), CHUNK):
        part = ask.session.execute(query, {"ids": refs[start : start + CHUNK]}).all()
        rows |= {row["id"]: row for row in shaped(ask, part)}
    return [rows[ref] for ref in refs]


def info(ask: Ask) -> dict[str, Any]:
    """One image."""
    item = ask.item("id")
    if item.kind != "image":
        raise NotFound(f"There is no image {item.id}.")
    return by_ids(ask, [item.id])[0]


def stored_hashes(ask: Ask) -> list[str]:
    """Which of these contents are stored already in a team of the caller."""
    if not isinstance(ask.body, list):
        raise Refused(400, "Send a list of hashes.")
    wanted = {wire.sha256_of(v): v for v in wire.list_of(ask.body, "hashes")}
    return [wanted[digest] for digest in media_by_hash(ask, list(wanted))]


def media_by_hash(ask: Ask, digests: Sequence[bytes], team_id: int | None = None) -> dict[bytes, Kept]:
    """Stored files of the caller's teams by content; one of `team_id` wins."""
    return media.kept(ask.session, sorted(ask.actor.teams(), key=lambda key: key != team_id), digests)


def read_files(context: Context, actor: Actor, form: Any) -> list[Ingested]:
    """Take in the files of a form, before the transaction: all or none."""
    if not actor.teams("manage"):
        access.require(actor, "manage", actor.team_id, "upload")
    files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise Refused(400, "There is no file in the form.")

    def ingested(entry: tuple[str, UploadFile]) -> Ingested:
        try:
            return media.ingest_upload(context.store, context.settings, entry[1].file)
        except Invalid as error:
            raise Refused(400, f"The file {entry[0]}: {error.message}") from None

    # Small ones are looked at in less time than it takes to hand them to another thread.
    if all((value.size or 0) <= media.IN_MEMORY for _, value in files):
        return [ingested(entry) for entry in files]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ingested, files))


def upload(ask: Ask) -> list[dict[str, Any]]:
    """Files for the images that are added next, by their content."""
    teams = ask.actor.teams("manage")
    team = ask.actor.team_id if ask.actor.team_id in teams else teams[0]
    media.keep(ask.session, team, ask.prepared)
    return [{"hash": wire.content_id(file.sha256)} for file in ask.prepared]


def read_links(context: Context, actor: Actor, body: Any) -> dict[str, Ingested]:
    """Fetch the linked files of new images, before the transaction."""
    entries = body.get("images") if isinstance(body, dict) else None
    links = [e["link"] for e in entries or [] if isinstance(e, dict) and isinstance(e.get("link"), str) and e["link"]]
    if not links:
        return {}
    with context.database.read() as session:
        access.batch(session, actor, wire.whole(body.get("datasetId"), "datasetId"), "manage")
    return fetch(context, links)


def fetch(context: Context, links: Sequence[str]) -> dict[str, Ingested]:
    """The files behind links, some at once. Raises `Refused` naming the link that cannot be had."""
    fetcher = Fetcher(context.settings)

    def fetched(link: str) -> Ingested:
        try:
            with fetcher.get(link) as got:
                return media.ingest(context.store, context.settings, got.path, got.sha256, got.size)
        except FetchError as error:
            raise Refused(400, f"The link {wire.short(link)} could not be fetched: {error.message}") from None
        except LabelwrightError as error:
            raise Refused(400, f"The link {wire.short(link)}: {error.message}") from None

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(links, pool.map(fetched, links), strict=True))
    finally:
        fetcher.close()


def add(ask: Ask) -> list[dict[str, Any]]:
    """New images in a dataset, out of stored contents, links or other images; in the order they were sent."""
    batch = ask.batch(right="manage")
    project = ask.project_of(batch)
    if project.kind != "image":
        raise Refused(400, "This project holds videos, not images.")
    sent = [wire.object_of(v, f"images[{n}]") for n, v in enumerate(ask.list("images", most=MOST))]
    names = [_name(entry, f"images[{n}]") for n, entry in enumerate(sent)]
    items.lock_names(ask.session, batch)
    free_names(ask, batch, names)
    files = _files(ask, project, sent)
    new = []
    for number, (entry, name, file) in enumerate(zip(sent, names, files, strict=True)):
        meta = wire.object_of(entry.get("meta") or {}, f"images[{number}].meta")
        parent = entry.get("parentId")
        source = (
            {"supervisely": {"parentId": wire.whole(parent, f"images[{number}].parentId")}}
            if parent is not None
            else None
        )
        new.append(NewImage(name, file, meta or None, source, entry.get("link") or ""))
    items.add_images(ask.session, ask.actor, project, batch, new)
    return [image_json(_row(ask, batch, entry), []) for entry in new]


def _row(ask: Ask, batch: Batch, new: NewImage) -> Any:
    """An image that was added just now, as `query_of` would find it."""
    file = new.media
    return (new.id, batch.project_id, batch.id, new.name, file.width, file.height, new.meta, new.source,
            ask.actor.user_id, new.at, new.at, new.url, file.sha256, file.mime, file.size, 0)  # fmt: skip


def _name(entry: dict[str, Any], at: str) -> str:
    name = wire.text(entry.get("title") or entry.get("name"), f"{at}.title", 500)
    if not name.strip() or "/" in name or "\\" in name:
        raise Refused(400, f"{at}.title: an image needs a name without slashes, not {wire.short(name)}.")
    return name


def free_names(ask: Ask, batch: Batch, names: Sequence[str]) -> None:
    """Raise `Refused` in the form that the package acts on when the dataset has items of these names."""
    if len(set(names)) < len(names):
        raise Refused(400, "A name stands twice in what was sent.")
    taken: list[dict[str, Any]] = []
    query = select(Item.id, Item.name).where(
        Item.project_id == batch.project_id,
        Item.batch_id == batch.id,
        Item.name.in_(bindparam("names", expanding=True)),
    )
    for start in range(0, len(names), CHUNK):
        part = ask.session.execute(query, {"names": names[start : start + CHUNK]})
        taken += [{"id": key, "name": name} for key, name in part]
    if taken:
        raise Refused(
            400,
            f"The dataset has {taken[0]['name']!r} already.",
            "Names are not unique",
            type="NONUNIQUE",
            errors=taken,
        )


def _files(ask: Ask, project: Project, sent: Sequence[dict[str, Any]]) -> list[Media | Kept]:
    """The stored file of each entry, as the project's team has it."""
    digests = {n: wire.sha256_of(entry["hash"]) for n, entry in enumerate(sent) if entry.get("hash")}
    stored = media_by_hash(ask, list(dict.fromkeys(digests.values())), project.team_id)
    others = {
        n: wire.whole(entry["imageId"], f"images[{n}].imageId") for n, entry in enumerate(sent) if entry.get("imageId")
    }
    ask.items(list(others.values()))
    originals = items.main_media(ask.session, list(others.values())) if others else {}
    found: list[Media | Kept] = []
    for number, entry in enumerate(sent):
        row: Media | Kept | None
        if number in digests:
            row = stored.get(digests[number])
        elif number in others:
            row = originals.get(others[number])
        elif entry.get("link"):
            row = media.record(ask.session, project.team_id, ask.prepared[wire.text(entry["link"], "link")])
        else:
            raise Refused(400, f"images[{number}] needs a hash, a link or an imageId.")
        if row is None:
            raise Refused(400, f"images[{number}]: its file is not stored here; upload it first.")
        found.append(media.of_team(ask.session, project.team_id, row))
    return found


def edit(ask: Ask) -> dict[str, Any]:
    """Change an image's (or a video's) name, description or metadata."""
    item = ask.item("id", "manage")
    if ask.has("name"):
        name = _name({"title": ask.text("name")}, "image")
        if name != item.name:
            batch = ask.session.get_one(Batch, item.batch_id)
            items.lock_names(ask.session, batch)
            free_names(ask, batch, [name])
            item.name = name
    if ask.has("description"):
        claim(ask, [item])
        keep(item, description=ask.text("description") or None)
    if ask.has("meta"):
        item.meta = ask.object("meta") or None
    ask.session.flush()
    return by_ids(ask, [item.id], item.kind)[0]


def remove(ask: Ask) -> dict[str, Any]:
    """Delete images (or videos) with their labels."""
    found = ask.items(ask.wholes("imageIds", most=MOST), "manage")
    for project_id in {item.project_id for item in found}:
        project = ask.session.get_one(Project, project_id)
        items.remove(ask.session, project, [item.id for item in found if item.project_id == project_id])
    return {"success": True}


def file_of(ask: Ask, found: Sequence[Item]) -> dict[int, Media]:
    """The stored file of each item. Raises `Refused` for one that is not here."""
    stored: dict[int, Media] = {}
    numbers = [item.id for item in found]
    for start in range(0, len(numbers), CHUNK):
        stored |= items.main_media(ask.session, numbers[start : start + CHUNK])
    missing = next((item for item in found if item.id not in stored), None)
    if missing is not None:
        raise Refused(
            400, f"The file of {missing.id} is not here: {missing.media_error or 'it is still being fetched'}."
        )
    return stored


def download(ask: Ask) -> Response:
    """The file of one image (or video), as it was sent. Never packed: the package compares its length and its hash."""
    item = ask.item("id")
    row = file_of(ask, [item])[item.id]
    headers = {"content-length": str(row.size), "x-content-checksum-sha256": wire.content_id(row.sha256),
               "content-encoding": "identity"}  # fmt: skip
    return StreamingResponse(ask.context.store.stream(content_key(row.sha256)), 200, headers, media_type=row.mime)


def download_many(ask: Ask) -> Response:
    """Files of images of a dataset, as the parts of a form named by their ids."""
    batch = ask.batch()
    refs = list(dict.fromkeys(ask.wholes("imageIds", most=MOST)))
    stored = file_of(ask, ask.items(refs, batch=batch))
    return wire.multipart(_parts(ask, [(str(ref), stored[ref]) for ref in refs]))


def download_by_hash(ask: Ask) -> Response:
    """Files by their content, as the parts of a form named by their hashes."""
    wanted = {wire.sha256_of(v): str(v) for v in ask.list("hashes", most=MOST)}
    found = media_by_hash(ask, list(wanted))
    missing = next((name for digest, name in wanted.items() if digest not in found), None)
    if missing is not None:
        raise NotFound(f"No file of the content {missing} is stored in your teams.")
    return wire.multipart(_parts(ask, [(name, found[digest]) for digest, name in wanted.items()]))


def _parts(ask: Ask, named: Sequence[tuple[str, Media | Kept]]) -> Iterator[tuple[str, str, Iterator[bytes]]]:
    store = ask.context.store
    # Decided before the answer begins: names, types and keys only, no database while it streams.
    rows = [(name, row.mime, content_key(row.sha256)) for name, row in named]
    return ((name, mime, store.stream(key)) for name, mime, key in rows)


def set_custom_sort(ask: Ask) -> dict[str, Any]:
    """The text that images are sorted by, kept in their metadata as the package keeps it."""
    sent = [wire.object_of(v, f"images[{n}]") for n, v in enumerate(ask.list("images", most=MOST))]
    found = ask.items([wire.whole(entry.get("id"), "images.id") for entry in sent], "manage")
    for item, entry in zip(found, sent, strict=True):
        present = item.meta if isinstance(item.meta, dict) else {}
        item.meta = {**present, "customSort": wire.text(entry.get("customSort"), "customSort", 1000)}
    ask.session.flush()
    return {"success": True}


METHODS: Methods = {
    "images.internal.hashes.list": Method(stored_hashes),
    "images.bulk.upload": Method(upload, write=True, prepare=read_files, form=True),
    "images.bulk.add": Method(add, write=True, prepare=read_links),
    "images.list": Method(listed),
    "images.info": Method(info),
    "images.editInfo": Method(edit, write=True),
    "images.bulk.remove": Method(remove, write=True),
    "images.download": Method(download),
    "images.bulk.download": Method(download_many),
    "images.bulk.download-by-hash": Method(download_by_hash),
    "images.bulk.set-custom-sort": Method(set_custom_sort, write=True),
}
