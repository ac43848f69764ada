"""Webhook calls that really go out, to receivers that are there, slow, broken or gone."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from labelwright import worker
from labelwright.db import now
from labelwright.models.events import Delivery, Webhook
from labelwright.models.projects import Project
from labelwright.services import deliveries, events, upkeep, wake, webhooks
from labelwright.services.background import Shared
from tests.support.cast import Cast, a_project, gather
from tests.support.pictures import answer, redirect, site


class Desk:
    """A project with webhooks, and the pump."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.pump = deliveries.make_pump(worker.SHAPES)
        with shared.database.write() as session:
            self.cast: Cast = gather(session)
            self.project: Project = a_project(session, self.cast)

    def hook(self, url: str, **more: Any) -> Webhook:
        with self.shared.database.write() as session:
            return webhooks.create(
                session, self.cast.alice, url=url, project=self.project, shapes=tuple(worker.SHAPES),
                kinds=more.pop("kinds", ["item.changed"]), **more,
            )  # fmt: skip

    def happen(self, count: int = 1) -> None:
        with self.shared.database.write() as session:
            for n in range(count):
                events.emit(
                    session, "item.changed", team_id=self.project.team_id, project_id=self.project.id, data={"n": n}
                )

    def rows(self, hook: Webhook) -> list[Delivery]:
        with self.shared.database.read() as session:
            query = select(Delivery).where(Delivery.webhook_id == hook.id).order_by(Delivery.id)
            return list(session.scalars(query))

    def hurry(self) -> None:
        with self.shared.database.write() as session:
            session.execute(update(Delivery).where(Delivery.state == "pending").values(next_try_at=now()))


@pytest.fixture
def desk(shared: Shared) -> Desk:
    return Desk(shared)


def test_a_call_arrives_signed_and_is_logged(desk: Desk) -> None:
    waker = wake.listen("deliveries")
    with site(hook=lambda h: answer(h, 204)) as web:
        hook = desk.hook(web.url("/hook"))
        desk.happen()
        assert waker.is_set()
        assert desk.pump(desk.shared) is False
        (_, _, headers, body) = web.requests[0]
        assert desk.pump(desk.shared) is False
        assert len(web.requests) == 1
    told = json.loads(body)
    assert (told["event"], told["data"], told["project"]["uid"]) == ("item.changed", {"n": 0}, str(desk.project.uid))
    stamp, mark = (part.split("=")[1] for part in headers["x-labelwright-signature"].split(","))
    assert mark == hmac.new(hook.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    (row,) = desk.rows(hook)
    assert (row.state, row.status, row.attempts, row.error) == ("done", 204, 1, "")
    assert row.seconds is not None
    assert row.delivered_at is not None


def test_failures_are_told_and_tried_again_until_the_end(desk: Desk) -> None:
    with site(down=lambda h: answer(h, 500, b"no\n database"), moved=redirect("/down")) as web:
        hooks = [desk.hook(web.url("/down")), desk.hook(web.url("/moved")), desk.hook("http://10.9.8.7/"),
                 desk.hook("http://127.0.0.1:1/")]  # fmt: skip
        desk.happen()
        desk.pump(desk.shared)
        found = [desk.rows(hook)[0] for hook in hooks]
        assert [(r.state, r.status, r.attempts) for r in found] == [
            ("pending", 500, 1), ("pending", 302, 1), ("pending", None, 1), ("pending", None, 1)]  # fmt: skip
        assert found[0].error == "The receiver answered 500: no database"
        assert "not a public address" in found[2].error
        assert "could not be reached" in found[3].error
        for _ in webhooks.WAITS:
            desk.hurry()
            desk.pump(desk.shared)
        assert [desk.rows(hook)[0].state for hook in hooks] == ["failed"] * 4
        web.pages["/down"] = b"ok"
        with desk.shared.database.write() as session:
            row = session.get_one(Webhook, hooks[0].id)
            webhooks.redeliver(session, desk.cast.alice, row, desk.rows(hooks[0])[0].uid)
        desk.pump(desk.shared)
        assert desk.rows(hooks[0])[0].state == "done"


def test_a_slow_receiver_does_not_hold_up_the_others(desk: Desk) -> None:
    gate = threading.Event()
    with site(slow=lambda h: (gate.wait(5), answer(h, 200)), quick=b"ok") as web:
        slow, quick = desk.hook(web.url("/slow")), desk.hook(web.url("/quick"))
        desk.happen(3)
        thread = threading.Thread(target=desk.pump, args=(desk.shared,))
        thread.start()
        for _ in range(200):
            if [r.state for r in desk.rows(quick)] == ["done"] * 3:
                break
            threading.Event().wait(0.02)
        assert [r.state for r in desk.rows(quick)] == ["done"] * 3
        assert [r.state for r in desk.rows(slow)] == ["pending"] * 3
        gate.set()
        thread.join()
        assert [r.state for r in desk.rows(slow)] == ["done"] * 3


def test_two_pumps_call_once_each(desk: Desk) -> None:
    with site(hook=b"ok") as web:
        desk.hook(web.url("/hook"))
        desk.happen(40)

        def drain() -> None:
            while desk.pump(desk.shared):
                pass

        threads = [threading.Thread(target=drain) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = sorted(json.loads(body)["data"]["n"] for *_, body in web.requests)
    assert told == list(range(40))


def test_a_vendor_shape_drops_what_it_does_not_tell(desk: Desk) -> None:
    with site(hook=b"ok") as web:
        hook = desk.hook(web.url("/hook"), shape="playment", header_key="agreed")
        desk.happen()
        desk.pump(desk.shared)
        assert web.requests == []
    (row,) = desk.rows(hook)
    assert (row.state, row.attempts, row.seconds) == ("dropped", 1, None)


def test_upkeep_forgets_old_deliveries_only(desk: Desk) -> None:
    with site(hook=b"ok") as web:
        hook = desk.hook(web.url("/hook"))
        desk.happen(2)
        desk.pump(desk.shared)
    old = desk.rows(hook)[0].id
    with desk.shared.database.write() as session:
        long_ago = now() - 2 * upkeep.DELIVERIES_KEPT
        session.execute(update(Delivery).where(Delivery.id == old).values(created_at=long_ago))
    upkeep.run(desk.shared)
    assert [r.id for r in desk.rows(hook)] == [old + 1]


def test_every_minute_ended_leases_open_again(desk: Desk) -> None:
    from datetime import timedelta

    from labelwright.models.work import Task
    from labelwright.services import batches, filing, jobs, ontology, workflows
    from labelwright.services.filing import NewMedia, NewTask

    with desk.shared.database.write() as session:
        project, workflow = desk.project, workflows.default_of(session, desk.project.id)
        batch = batches.default_of(session, project)
        job = jobs.for_origin(session, project, batch, workflow, "test")
        known, steps = ontology.compiled(session, project), workflows.steps_of(workflow)
        new = [NewTask(str(n), media=[NewMedia("http://127.0.0.1:1/")]) for n in range(2)]
        ended, lasting = [
            f.task_id for f in filing.file_tasks(session, desk.cast.alice, project, batch, job, known, steps, new)
        ]
        for task_id, until in ((ended, now() - timedelta(seconds=1)), (lasting, now() + timedelta(hours=1))):
            values = {"state": "held", "holder_id": desk.cast.bob.user_id, "lease": "token", "lease_until": until}
            session.execute(update(Task).where(Task.id == task_id).values(values))
    upkeep.minute(desk.shared)
    with desk.shared.database.read() as session:
        assert [session.get_one(Task, t).state for t in (ended, lasting)] == ["open", "held"]
