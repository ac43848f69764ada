"""Lists of figures: those of images and videos of a dataset or a project, in the order of the items.

A page holds the figures of so many items, counted by their ids, whatever they have on them: what others draw meanwhile moves
no item to another page, so none is missed or told twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from labelwright.geometry.document import LabelObject
from labelwright.models.documents import MAIN, DocumentHead
from labelwright.models.items import Item
from labelwright.models.projects import Project
from labelwright.services import items
from labelwright.vendors.supervisely import datasets, figures, ids, image_filters, listing, videolabels
from labelwright.vendors.supervisely.annotations import heads, signatures
from labelwright.vendors.supervisely.asking import Ask, Method, Methods
from labelwright.vendors.supervisely.image_filters import FIGURES, Labeled
from labelwright.vendors.supervisely.known import known
from labelwright.vendors.supervisely.listing import ID, Field
from labelwright.vendors.supervisely.tracks import FIGURE, split_figure

ITEMS = 200  # on one page
FIELDS = {"id": Field(read=ID), "entityId": Field(read=ID), "imageId": Field(read=ID), "classId": Field(read=ID)}
Passes = Callable[[int, LabelObject], bool]


def listed(ask: Ask) -> dict[str, Any]:
    """Figures of images of a dataset or a project, a page at a time."""
    query, terms = _items(ask)
    count = ask.session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    pages, number = max(1, -(-count // ITEMS)), listing.page_number(ask)
    entities = _page(ask, query, terms, number)
    total = len(entities) if pages == 1 else _total(ask, query, terms, pages)
    return {"total": total, "perPage": ask.whole("per_page", ITEMS), "pagesCount": pages, "entities": entities}


def _items(ask: Ask) -> tuple[Select[Any], list[listing.Term]]:
    """The items that are looked at, and the conditions on their figures."""
    terms = listing.terms(ask, FIELDS)
    by_item = [t for t in terms if t.field in ("entityId", "imageId")]
    rest = [t for t in terms if t.field not in ("entityId", "imageId")]
    if ask.has("datasetId"):
        batch = datasets.of_body(ask)
        query = select(Item).where(Item.project_id == batch.project_id, Item.batch_id == batch.id)
    else:
        query = select(Item).where(Item.project_id == ask.project().id)
    for term in by_item:
        query = query.where(listing.OPERATORS[term.operator](Item.id, term.value))
    for term in rest:
        # Figures that are asked for by their ids lie in the images that those ids name.
        if term.field == "id" and term.operator in ("=", "in"):
            refs = term.value if isinstance(term.value, list) else [term.value]
            query = query.where(items.among(ask.session, sorted({_item_of(ref) for ref in refs})))
    return image_filters.narrowed(ask, query, figures=True), rest


def _item_of(ref: int) -> int:
    return split_figure(ref)[0] if ref >= FIGURE else ref >> ids.BITS


def _page(ask: Ask, query: Select[Any], terms: Sequence[listing.Term], number: int) -> list[dict[str, Any]]:
    rows = query.order_by(Item.id).limit(ITEMS).offset((number - 1) * ITEMS)
    return _shown(ask, list(ask.session.scalars(rows)), terms)


def _total(ask: Ask, query: Select[Any], terms: Sequence[listing.Term], pages: int) -> int:
    """How many figures there are on all pages; counted one by one where conditions choose among an image's figures."""
    chosen = bool(terms) or any(kind in FIGURES for kind, _ in image_filters.sent(ask))
    if chosen or ask.session.scalar(query.with_only_columns(Item.id).where(Item.kind == "video").limit(1)) is not None:
        return sum(len(_page(ask, query, terms, number)) for number in range(1, pages + 1))
    labeled = query.with_only_columns(func.sum(DocumentHead.objects), maintain_column_froms=True)
    heads_of = (DocumentHead.item_id == Item.id) & (DocumentHead.layer == MAIN)
    return int(ask.session.scalar(labeled.join(DocumentHead, heads_of)) or 0)


def _shown(ask: Ask, found: Sequence[Item], terms: Sequence[listing.Term]) -> list[dict[str, Any]]:
    subpixel = not ask.flag("integerCoords", True)
    stored = heads(ask, found)
    signed, rows = signatures(ask, stored), []
    passes = _tests(ask, found)
    knows = {ref: known(ask.session, ask.session.get_one(Project, ref)) for ref in {item.project_id for item in found}}
    for item in found:
        here = knows[item.project_id]
        if item.kind == "video":
            kept = {thing.id for thing in figures.objects_of(stored.get(item.id)) if passes(item.id, thing)}
            made = videolabels.figures_of(ask, item, here, full=True, only=kept)
        else:
            made = [
                figures.figure_json(here, item, thing, signed[item.id], subpixel=subpixel)
                for thing in figures.objects_of(stored.get(item.id)) if passes(item.id, thing)
            ]  # fmt: skip
        rows += [row for row in made if all(listing.PLAIN[t.operator](row.get(t.field), t.value) for t in terms)]
    return rows


def _tests(ask: Ask, found: Sequence[Item]) -> Passes:
    """Whether a figure passes the filters that choose among figures."""
    sent = [(kind, data) for kind, data in image_filters.sent(ask) if kind in FIGURES]
    tests = [FIGURES[kind](ask, data) for kind, data in sent]
    if not tests:
        return lambda _item_id, _thing: True
    drawn = any(kind == "objects_annotator" for kind, _ in sent)
    labeled: dict[int, Labeled] = dict(image_filters.labels_of(ask, found, drawn=drawn))
    return lambda item_id, thing: all(test(labeled[item_id], thing) for test in tests)


METHODS: Methods = {"figures.list": Method(listed)}
