"""Projects, ontology, batches, workflows."""

import threading
import uuid

import pytest

from labelwright.errors import Conflict, Duplicate, Invalid, NotFound
from labelwright.services import access, batches, ontology, projects, workflows, workspaces
from tests.support.cast import a_project, gather


def test_a_project_comes_whole(session):
    cast = gather(session)
    project = a_project(session, cast)
    assert project.slug == "street-images"
    assert batches.default_of(session, project).name == "Default batch"
    assert [s.kind for s in workflows.steps_of(workflows.default_of(session, project.id)).steps] == ["label", "review"]
    assert [c.name for c in ontology.classes_of(session, project.id)] == ["car", "person", "road", "lane"]
    assert set(ontology.compiled(session, project).attributes_of("car")) == {"State", "occluded"}
    assert ontology.compiled(session, project).attributes_of("road") == {}


def test_slugs_are_safe_in_every_vendors_urls(session):
    cast = gather(session)
    names = ["2024", "Projects", "Ünïcode straße", "!!!", "Same", "Same "]
    slugs = [projects.create(session, cast.alice, cast.workspace, name).slug for name in names]
    assert len(set(slugs)) == len(slugs)
    for slug in slugs:
        assert not slug.isdigit()
        assert slug not in workspaces.RESERVED
        assert slug == slug.lower()


def test_class_colours_differ(session):
    cast = gather(session)
    colours = [c.color for c in ontology.classes_of(session, a_project(session, cast).id)]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize(
    ("classes", "word"),
    [
        ({"name": "x"}, "array"),
        ([{"shapes": ["rectangle"]}], "name"),
        ([{"name": "x", "shapes": ["circle"]}], "circle"),
        ([{"name": "x", "color": "red"}], "red"),
        ([{"name": "x"}, {"name": "x"}], "twice"),
        ([{"name": "x", "attributes": [{"name": "a", "kind": "one_of"}]}], "options"),
        ([{"name": "x", "attributes": [{"name": "a", "kind": "flag", "options": ["b"]}]}], "options"),
        ([{"name": "x", "colour": "#000000"}], "colour"),
        ([{"name": "x", "skeleton": {"points": [{"name": "a"}], "edges": [[0, 1]]}}], "join"),
    ],
)
def test_wrong_classes_are_refused_with_the_reason(classes, word):
    with pytest.raises(Invalid, match=word):
        ontology.parse_classes(classes)


def test_a_rolled_back_ontology_change_is_not_remembered(database):
    with database.write() as session:
        cast = gather(session)
        project = a_project(session, cast)
        uid, alice = project.uid, cast.alice
    with pytest.raises(ZeroDivisionError), database.write() as session:
        project = access.project(session, alice, uid)
        ontology.add_class(session, project, ontology.ClassInput("ghost"))
        assert "ghost" in ontology.compiled(session, project).classes
        raise ZeroDivisionError
    with database.write() as session:
        project = access.project(session, alice, uid)
        ontology.add_class(session, project, ontology.ClassInput("real"))
    with database.read() as session:
        names = set(ontology.compiled(session, access.project(session, alice, uid)).classes)
    assert "real" in names
    assert "ghost" not in names


def test_attributes_of_one_name_may_differ_by_class_but_not_overlap(session):
    cast = gather(session)
    project = a_project(session, cast)
    size = ontology.AttributeInput("State", "text", classes=["road"])
    ontology.add_attribute(session, project, size)
    with pytest.raises(Duplicate):
        ontology.add_attribute(session, project, ontology.AttributeInput("State", "flag", classes=["road", "lane"]))
    with pytest.raises(Invalid, match="nothing"):
        ontology.add_attribute(session, project, ontology.AttributeInput("x", "flag", classes=["nothing"]))


def test_removing_a_class_takes_its_own_attributes(session):
    cast = gather(session)
    project = a_project(session, cast)
    ontology.remove_class(session, project, ontology.class_by_name(session, project.id, "car"))
    assert ontology.attributes_of(session, project.id) == []
    with pytest.raises(NotFound):
        ontology.class_by_name(session, project.id, "car")


def test_racing_callers_get_one_batch(database):
    with database.write() as session:
        cast = gather(session)
        uid = a_project(session, cast).uid
        alice = cast.alice
    ids, errors = [], []

    def ensure():
        try:
            with database.write() as session:
                ids.append(batches.ensure(session, access.project(session, alice, uid), "Night").id)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(ids)) == 1


def test_a_taken_batch_name_leaves_the_transaction_usable(session):
    cast = gather(session)
    project = a_project(session, cast)
    batches.create(session, project, "Night")
    with pytest.raises(Duplicate):
        batches.create(session, project, " Night ")
    child = batches.create(session, project, "Night", parent=batches.by_name(session, project, "Night"))
    assert child.parent_id
    with pytest.raises(Conflict):
        batches.remove(session, batches.by_name(session, project, "Night"))


def test_workflows_are_found_by_id_tag_and_name_in_that_order(session):
    cast = gather(session)
    project = a_project(session, cast)
    first = workflows.create(session, project, "Boxes", tag="draw_boxes")
    second = workflows.create(session, project, "draw_boxes")
    third = workflows.create(session, project, str(first.uid))
    assert workflows.resolve(session, project.id, "draw_boxes") is first
    assert workflows.resolve(session, project.id, str(first.uid)) is first
    assert workflows.resolve(session, project.id, "Boxes") is first
    assert workflows.resolve(session, project.id, str(second.uid)) is second
    assert workflows.resolve(session, project.id, str(third.uid)) is third
    with pytest.raises(NotFound):
        workflows.resolve(session, project.id, "nothing")
    with pytest.raises(Duplicate):
        workflows.create(session, project, "Other", tag="draw_boxes")


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"key": "r", "kind": "review", "on_reject": "r"}],
        [{"key": "l", "kind": "label", "on_done": "nowhere"}],
        [{"key": "l", "kind": "label"}, {"key": "l", "kind": "label"}],
        [{"key": "l", "kind": "label", "on_done": "r"}, {"key": "r", "kind": "review", "on_reject": "r"}],
        [
            {"key": "l", "kind": "label", "on_done": "r"},
            {"key": "r", "kind": "review", "on_reject": "l", "on_accept": "l"},
        ],
        [{"key": "l", "kind": "label", "on_done": "r"}, {"key": "r", "kind": "review", "on_reject": "l", "sample": 2}],
        [{"key": "end", "kind": "label"}],
        [{"key": "l", "kind": "paint"}],
    ],
)
def test_workflows_that_lead_nowhere_are_refused(steps):
    with pytest.raises(Invalid):
        workflows.parse(steps)


def test_a_sampled_review_lets_its_share_through():
    steps = workflows.parse([
        {"key": "l", "kind": "label", "on_done": "r"},
        {"key": "r", "kind": "review", "on_reject": "l", "sample": 0.25},
    ])  # fmt: skip
    uids = [uuid.uuid4() for _ in range(4000)]
    entered = [steps.enter("r", uid) for uid in uids]
    assert 800 < sum(step is not None for step in entered) < 1200
    assert entered == [steps.enter("r", uid) for uid in uids]
    assert steps.enter("end", uids[0]) is None
