"""Rows of other teams do not exist; roles decide the rest."""

import uuid

import pytest

from labelwright.errors import Forbidden, NotFound
from labelwright.services import access, batches, workflows
from tests.support.cast import a_project, gather

RIGHTS_OF = {
    "alice": {"view", "label", "review", "manage", "own"},
    "max": {"view", "label", "review", "manage"},
    "rita": {"view", "label", "review"},
    "bob": {"view", "label"},
    "vera": {"view"},
    "charlie": set(),
}


@pytest.mark.parametrize("right", ["view", "label", "review", "manage", "own"])
@pytest.mark.parametrize("name", RIGHTS_OF)
def test_each_role_has_its_rights(session, name, right):
    cast = gather(session)
    project = a_project(session, cast)
    actor = getattr(cast, name)
    if right in RIGHTS_OF[name]:
        assert access.project(session, actor, project.uid, right) is project
    else:
        with pytest.raises(NotFound if name == "charlie" else Forbidden):
            access.project(session, actor, project.uid, right)


def test_rows_of_other_teams_answer_like_none(session):
    cast = gather(session)
    project = a_project(session, cast)
    batch, workflow = batches.default_of(session, project), workflows.default_of(session, project.id)
    for find, row in ((access.batch, batch), (access.workflow, workflow), (access.project, project), (access.team, cast.team),
                      (access.workspace, cast.workspace)):  # fmt: skip
        messages = set()
        for ref in (row.uid, row.id, uuid.uuid4(), "nonsense", 10**9):
            with pytest.raises(NotFound) as caught:
                find(session, cast.charlie, ref)
            messages.add(str(caught.value))
        assert len(messages) == 1
    assert session.scalars(access.visible_projects(cast.charlie)).all() == []
    assert session.scalars(access.visible_projects(cast.vera)).all() == [project]
    assert session.scalars(access.visible_projects(cast.bob, "manage")).all() == []
