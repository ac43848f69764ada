"""Webhooks: which events reach which receiver, signed, tried again, and logged."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from labelwright.db import now
from labelwright.errors import Conflict, Forbidden, Invalid, NotFound
from labelwright.models.events import Delivery, Webhook
from labelwright.services import events, queue, tasks, webhooks
from tests.support.cast import a_project
from tests.support.work import a_job

URL = "https://example.org/hook"


def pending(session):
    return list(session.scalars(select(Delivery).where(Delivery.state == "pending").order_by(Delivery.id)))


def test_only_what_a_hook_listens_for_reaches_it(session, cast, project):
    one = webhooks.create(session, cast.max, url=URL, kinds=["task.submitted"], project=project)
    everything = webhooks.create(session, cast.alice, url=URL, team_id=cast.team.id)
    webhooks.create(session, cast.max, url=URL, project=a_project(session, cast))
    session.query(Delivery).delete()
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    tasks.submit(session, cast.bob, task, task.lease)
    got = {one.id: [], everything.id: []}
    for delivery in pending(session):
        got[delivery.webhook_id].append(session.get(events.Event, delivery.event_id).kind)
    assert got == {
        one.id: ["task.submitted"],
        everything.id: ["job.created", "job.changed", "task.claimed", "task.submitted"],
    }
    webhooks.change(session, cast.max, one, active=False)
    events.emit(session, "task.submitted", team_id=cast.team.id, project_id=project.id)
    assert [d.webhook_id for d in pending(session)].count(one.id) == 1


def test_a_call_is_signed_and_tells_what_happened(session, cast, project):
    hook = webhooks.create(session, cast.max, url=URL, kinds=["task.submitted"], project=project)
    _, (task,) = a_job(session, cast.max, project)
    queue.claim(session, cast.bob, task)
    tasks.submit(session, cast.bob, task, task.lease)
    (delivery_id,) = webhooks.take(session)
    assert webhooks.take(session) == []  # claimed
    request = webhooks.prepare(session, delivery_id)
    body = json.loads(request.body)
    assert (body["event"], body["task"]["uid"], body["actor"]["email"]) == (
        "task.submitted", str(task.uid), "bob@example.org")  # fmt: skip
    stamp, sent = (part.split("=")[1] for part in request.headers["X-Labelwright-Signature"].split(","))
    assert sent == webhooks.signature(hook.secret, int(stamp), request.body)
    assert hook.secret.encode() not in request.body
    assert webhooks.settle(session, delivery_id, status=204, seconds=0.1) == "done"
    assert webhooks.settle(session, delivery_id, status=500) == "done"


def test_failed_calls_are_tried_again_ever_later_and_at_last_given_up(session, cast, project):
    hook = webhooks.create(session, cast.max, url=URL, project=project, kinds=["webhook.test"])
    delivery = webhooks.test(session, cast.max, hook)
    moment, waits = now(), []
    for _ in range(len(webhooks.WAITS)):
        assert webhooks.take(session, at=moment) == [delivery.id]
        assert webhooks.settle(session, delivery.id, status=503, error="busy", at=moment) == "pending"
        waits.append(delivery.next_try_at - moment)
        assert webhooks.take(session, at=moment + timedelta(seconds=1)) == []
        moment = delivery.next_try_at
    assert waits == list(webhooks.WAITS)
    assert webhooks.take(session, at=moment) == [delivery.id]
    assert webhooks.settle(session, delivery.id, error="no answer", at=moment) == "failed"
    assert webhooks.take(session, at=moment + timedelta(days=9)) == []
    ((logged, event),) = webhooks.deliveries(session, cast.max, hook, state="failed")
    assert (logged.error, event.kind) == ("no answer", "webhook.test")
    webhooks.redeliver(session, cast.max, hook, logged.uid)
    assert webhooks.take(session) == [delivery.id]
    assert webhooks.deliveries(session, cast.max, hook, before=event.id) == []


def test_a_pump_that_died_leaves_its_deliveries_to_others(session, cast, project):
    hook = webhooks.create(session, cast.max, url=URL, project=project)
    session.query(Delivery).delete()
    delivery = webhooks.test(session, cast.max, hook)
    moment = now()
    assert webhooks.take(session, at=moment) == [delivery.id]
    assert webhooks.take(session, at=moment + webhooks.CLAIM) == [delivery.id]


def test_shapes_of_vendors_are_handed_in(session, cast, project):
    shapes = {
        **webhooks.SHAPES,
        "vendor": lambda session, hook, event: webhooks.Call({"k": event.kind}, {"x-key": hook.header_key}),
    }
    with pytest.raises(Invalid):
        webhooks.create(session, cast.max, url=URL, project=project, shape="vendor")
    hook = webhooks.create(
        session, cast.max, url=URL, project=project, shape="vendor", shapes=shapes, header_key="agreed"
    )
    session.query(Delivery).delete()
    events.emit(session, "items.filed", team_id=cast.team.id, project_id=project.id)
    (delivery_id,) = webhooks.take(session)
    request = webhooks.prepare(session, delivery_id, shapes)
    assert (request.body, request.headers["x-key"]) == (b'{"k":"items.filed"}', "agreed")
    assert webhooks.prepare(session, delivery_id, {**shapes, "vendor": lambda *_: None}) is None
    with pytest.raises(Invalid):
        webhooks.prepare(session, delivery_id)
    assert webhooks.settle(session, delivery_id, dropped=True) == "dropped"
    webhooks.delete(session, cast.max, hook)
    assert webhooks.prepare(session, delivery_id, shapes) is None
    assert session.scalars(select(Webhook)).all() == []


@pytest.mark.parametrize(
    "url", ["", "ftp://example.org", "example.org", "http://", "https://e.org/\n", "https://e.org/" + "x" * 2000]
)
def test_addresses_and_kinds_are_checked(session, cast, project, url):
    with pytest.raises(Invalid):
        webhooks.create(session, cast.max, url=url, project=project)
    with pytest.raises(Invalid, match=r"task\.eaten"):
        webhooks.create(session, cast.max, url=URL, kinds=["task.eaten"], project=project)


def test_rights(session, cast, project):
    hook = webhooks.create(session, cast.max, url=URL, project=project)
    for actor, error in ((cast.rita, Forbidden), (cast.charlie, NotFound)):
        for act in (webhooks.test, webhooks.deliveries, webhooks.delete):
            with pytest.raises(error):
                act(session, actor, hook)
        with pytest.raises(error):
            webhooks.create(session, actor, url=URL, project=project)
    with pytest.raises(Forbidden):
        webhooks.create(session, cast.max, url=URL, team_id=cast.team.id)  # a whole team's events are its owner's
    with pytest.raises(NotFound):
        webhooks.redeliver(session, cast.max, hook, "nonsense")
    first = hook.secret
    webhooks.change(session, cast.max, hook, renew_secret=True, active=False)
    assert hook.secret != first
    delivery = webhooks.test(session, cast.max, hook)
    with pytest.raises(Conflict):
        webhooks.redeliver(session, cast.max, hook, delivery.uid)
    assert webhooks.of_project(session, cast.max, project) == [hook]
