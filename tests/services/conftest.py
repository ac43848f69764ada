"""The cast, and a project of theirs."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from labelwright.models.projects import Project
from tests.support.cast import Cast, a_project, gather


@pytest.fixture
def cast(session: Session) -> Cast:
    """Two teams of people."""
    return gather(session)


@pytest.fixture
def project(session: Session, cast: Cast) -> Project:
    """An image project of the first team."""
    return a_project(session, cast)
