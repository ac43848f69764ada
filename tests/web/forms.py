"""Sending the pages' forms as their script does."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx2
from starlette.testclient import TestClient

from labelwright.geometry.document import LabelObject, Rectangle
from labelwright.models.items import Item, ItemMedia, Media
from labelwright.services import documents
from labelwright.services.merging import Change
from labelwright.storage.store import content_key
from tests.support import pictures
from tests.web.conftest import HTMX, Site

UID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


def post(browser: TestClient, url: str, /, **data: Any) -> httpx2.Response:
    """Send a form as the pages' script does, and expect it to be taken."""
    answer = browser.post(url, data=data, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer


def refused(browser: TestClient, url: str, status: int = 422, /, **data: Any) -> str:
    """Send a form that must be refused; the words."""
    answer = browser.post(url, data=data, headers=HTMX)
    assert answer.status_code == status, answer.text
    assert 'role="alert"' in answer.text
    return answer.text


def label_something(site: Site, name: str) -> str:
    """Give the first item a picture, and put one box on it; the item's uid."""
    picture = pictures.picture(64, 48)
    sha256 = hashlib.sha256(picture).digest()
    site.app.state.context.store.put(content_key(sha256), picture, mime="image/png")
    with site.database.write() as session:
        item = session.get_one(Item, site.tasks[0].item_id)
        media = Media(
            team_id=site.project.team_id, sha256=sha256, size=len(picture), mime="image/png", width=64, height=48
        )
        session.add(media)
        session.flush()
        session.add(ItemMedia(item_id=item.id, media_id=media.id, state="ready"))
        change = Change(put=[LabelObject(1, name, Rectangle((0.1, 0.1, 0.5, 0.5)))])
        documents.save(session, site.cast.alice, item, change, base=0)
        return str(item.uid)
