"""Lists: each filter shows what a plain look at all rows shows, page by page, in both directions."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from labelwright.errors import Invalid, NotFound
from labelwright.models.documents import LabelCount
from labelwright.models.items import Item
from labelwright.models.work import Comment, Task
from labelwright.services import batches, jobs, lists, ontology
from labelwright.services.lists import Filter
from tests.support.cast import a_project
from tests.support.work import a_job, some_items

START = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 120


@pytest.fixture
def project(session, cast):
    """Tasks and items of all kinds, mixed; and another project's, which must never show."""
    chance = random.Random(7)
    project = a_project(session, cast)
    other = batches.create(session, project, "Other")
    a_job(session, cast.max, project, COUNT)
    ids = list(session.scalars(select(Item.id).where(Item.project_id == project.id).order_by(Item.id)))
    jobs.create(session, cast.max, project, "again", items=ids[::3])
    car, person = ontology.classes_of(session, project.id)[:2]
    for number, item in enumerate(ids):
        values = {
            "reference_id": f"{'ab'[number % 2]}_{chance.randrange(10**6):06}" if number % 5 else None,
            "media_state": chance.choice(["ready"] * 8 + ["failed", "pending"]),
            "created_at": START + timedelta(hours=number),
            "accepted_at": START if number % 2 else None,
            "split": ("", "train", "valid", "test")[number // 3 % 4],
            "batch_id": other.id if number % 7 == 0 else batches.default_of(session, project).id,
        }
        session.execute(update(Item).where(Item.id == item).values(**values))
        for row, odds in ((car, 0.8), (person, 0.1)):
            if chance.random() < odds:
                count = {"item_id": item, "class_id": row.id, "project_id": project.id, "count": 2}
                session.execute(insert(LabelCount).values(count))
        for _ in range(chance.choice([0] * 8 + [1, 2])):
            said = Comment(project_id=project.id, item_id=item, body="x", resolved=chance.random() < 0.5)
            session.add(said)
    people = [cast.bob.user_id, cast.ben.user_id]
    for number, task in enumerate(session.scalars(select(Task).where(Task.project_id == project.id).order_by(Task.id))):
        task.stage, task.state = chance.choice(lists.PLACES)
        task.author_id = chance.choice([None, *people])
        task.reviewer_id = chance.choice([None, None, cast.rita.user_id])
        task.holder_id = chance.choice(people) if task.state == "held" else None
        task.returned = chance.choice([0, 0, 0, 1])
        task.created_at = START + timedelta(minutes=number)
    session.flush()
    session.expire_all()
    stranger = a_project(session, cast)
    some_items(session, stranger, 5)
    a_job(session, cast.max, stranger, 5)
    return project


def plainly(session, project, only):
    """(task ids, item ids) that a filter should show."""
    tasks, items = [], set()
    counted = {(c.item_id, c.class_id) for c in session.scalars(select(LabelCount))}
    said = list(session.scalars(select(Comment)))
    names = {c.name: c.id for c in ontology.classes_of(session, project.id)}

    def item_fits(item):
        mine = [c for c in said if c.item_id == item.id]
        return (
            only.batch in (None, item.batch_id)
            and only.media in (None, item.media_state)
            and (not only.reference or (item.reference_id or "").startswith(only.reference))
            and (only.class_name is None or (item.id, names[only.class_name]) in counted)
            and (only.comments != "any" or mine)
            and (only.comments != "open" or any(not c.resolved for c in mine))
            and (only.comments != "none" or not mine)
            and (only.dataset is None or (only.dataset == "out") == (item.accepted_at is None))
            and (only.dataset in (None, "in", "out") or only.dataset == (item.split or "train"))
            and (only.labels != "some")  # none of these has a document
        )

    def task_fits(task):
        return (
            only.stage in (None, task.stage)
            and only.state in (None, task.state)
            and only.job in (None, task.job_id)
            and only.author in (None, task.author_id)
            and only.reviewer in (None, task.reviewer_id)
            and only.holder in (None, task.holder_id)
            and (not only.returned or task.returned)
        )

    def in_time(row):
        return (not only.since or row.created_at >= only.since) and (not only.until or row.created_at < only.until)

    for item in session.scalars(select(Item).where(Item.project_id == project.id)):
        if not item_fits(item):
            continue
        found = [t for t in session.scalars(select(Task).where(Task.item_id == item.id)) if task_fits(t)]
        tasks += [t.id for t in found if in_time(t)]
        if in_time(item) and (found or not only.of_tasks):
            items.add(item.id)
    return set(tasks), items


def through(list_of, session, project, only, **options):
    rows, after = [], None
    while True:
        page = list_of(session, project, only, after=after, limit=7, **options)
        rows += [row.id for row in page.rows]
        if page.next is None:
            return rows
        assert len(page.rows) == 7
        after = page.next


def cases(cast, project, session):
    job = session.scalars(select(Task.job_id).where(Task.project_id == project.id).order_by(Task.job_id.desc())).first()
    other = batches.by_name(session, project, "Other").id
    bob, rita = cast.bob.user_id, cast.rita.user_id
    yield Filter()
    for stage in ("label", "review", "end"):
        yield Filter(stage=stage)
    for state in ("waiting", "open", "held", "skipped", "done"):
        yield Filter(state=state)
        yield Filter(state=state, job=job)
        yield Filter(state=state, class_name="person", author=bob)
    yield Filter(stage="review", state="open", comments="any")
    yield Filter(stage="label", state="done")
    for field, value in (
        ("job", job), ("author", bob), ("reviewer", rita), ("holder", bob), ("returned", True), ("batch", other),
        ("class_name", "car"), ("class_name", "person"), ("class_name", "road"), ("media", "ready"), ("media", "failed"),
        ("media", "pending"), ("reference", "a_"), ("reference", "b_00"), ("comments", "open"), ("comments", "any"),
        ("comments", "none"), ("labels", "none"), ("labels", "some"), ("since", START + timedelta(hours=2)),
        ("until", START + timedelta(hours=40)), ("dataset", "in"), ("dataset", "out"), ("dataset", "train"), ("dataset", "test"),
    ):  # fmt: skip
        yield Filter(**{field: value})
        yield Filter(**{"state": "open", field: value})
        yield Filter(**{"batch": other, field: value})
    yield Filter(since=START + timedelta(minutes=30), until=START + timedelta(hours=30), reference="a_", media="ready")
    yield Filter(reviewer=rita, author=bob, comments="any", class_name="car")


def test_every_filter_shows_what_it_should_on_every_page(session, cast, project):
    for only in cases(cast, project, session):
        tasks, items = plainly(session, project, only)
        for newest_first in (False, True):
            found = through(lists.tasks, session, project, only, newest_first=newest_first)
            assert len(found) == len(set(found))
            assert set(found) == tasks, only
            shown = through(lists.items, session, project, only, newest_first=newest_first)
            assert len(shown) == len(set(shown))
            assert set(shown) == items, only
        if not only.reference and not only.of_tasks:
            assert shown == sorted(shown, reverse=True)


def test_a_row_that_arrives_meanwhile_moves_no_page(session, cast, project):
    first = lists.items(session, project, limit=10, newest_first=True)
    some_items(session, project, 3)
    second = lists.items(session, project, limit=10, newest_first=True, after=first.next)
    ids = [row.id for row in (*first.rows, *second.rows)]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 20


def test_wrong_filters_and_cursors_are_named(session, cast, project):
    for wrong in ({"state": "lost"}, {"stage": "x"}, {"media": "gone"}, {"comments": "many"}, {"dataset": "all"}):
        with pytest.raises(Invalid):
            Filter(**wrong)
    with pytest.raises(NotFound):
        lists.tasks(session, project, Filter(class_name="unicorn"))
    by_reference = lists.items(session, project, Filter(reference="a_"), limit=1).next
    for after in ("nonsense", "", "e30", "W10", by_reference, "x" * 300, "WzFlOTk5XQ"):
        with pytest.raises(Invalid):
            lists.tasks(session, project, after=after)
    for limit in (0, 501):
        with pytest.raises(Invalid):
            lists.tasks(session, project, limit=limit)


def test_jobs_are_listed_newest_first_without_archived_ones(session, cast, project):
    found = lists.jobs(session, project)
    assert found.rows[0].name == "again"
    jobs.archive(session, cast.max, found.rows[0])
    assert len(lists.jobs(session, project).rows) == 1
    assert len(lists.jobs(session, project, status=["archived"]).rows) == 1
    with pytest.raises(Invalid):
        lists.jobs(session, project, status=["lost"])
