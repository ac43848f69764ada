"""Who made what: the author of each object of a document, and of each attribute of its item, told by its revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.models.documents import MAIN, Revision
from labelwright.services import revisions
from labelwright.services.documents import Stored


@dataclass
class Authors:
    """User ids of one document. `first`: who made its first state, and so all that no revision added."""

    first: int | None = None
    objects: dict[int, int | None] = field(default_factory=dict)
    attributes: dict[str, int | None] = field(default_factory=dict)

    def of(self, object_id: int) -> int | None:
        """Who drew an object; None: the server."""
        return self.objects.get(object_id, self.first)

    def of_attribute(self, name: str) -> int | None:
        """Who gave an attribute of the item its present value."""
        return self.attributes.get(name, self.first)


NOBODY = Authors()


def of_items(session: Session, stored: Mapping[int, Stored]) -> dict[int, Authors]:
    """The authors in the newest documents of some hundred items, by item id; it reads all their revisions."""
    found = {item_id: Authors(head.created_by) for item_id, head in stored.items()}
    query = (
        select(Revision.item_id, Revision.actor_id, Revision.body, Revision.blob)
        .where(Revision.item_id.in_(found), Revision.layer == MAIN)
        .order_by(Revision.item_id, Revision.version)
    )
    for item_id, actor, body, blob in session.execute(query).yield_per(50):
        delta = revisions.read_delta(session, body, blob)
        for change in delta.objects:
            if change.before is None:
                found[item_id].objects[change.id] = actor
        if delta.attributes is not None:
            before, after = delta.attributes
            found[item_id].attributes |= {name: actor for name in after if before.get(name) != after[name]}
    return found
