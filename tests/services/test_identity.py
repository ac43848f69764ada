"""People, passwords, keys."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from labelwright.db import now
from labelwright.errors import Conflict, Duplicate, Forbidden, Invalid, NotFound, Unauthenticated
from labelwright.models.identity import ApiKey, SignIn, User
from labelwright.services import access, identity, workspaces
from tests.support.cast import PASSWORD, a_project, gather


def test_first_set_up_gives_a_working_password_and_key(session):
    made = workspaces.first_set_up(session, "Ana@Example.org")
    assert identity.authenticate(session, "ana@example.org", made.password).id == made.user.id
    actor = identity.by_key(session, made.api_key)
    assert actor.roles == {made.team.id: "owner"}
    assert made.api_key.isalnum()
    assert any(c.islower() for c in made.api_key)


def test_nothing_readable_of_a_key_or_password_is_stored(session):
    made = workspaces.first_set_up(session, "ana@example.org")
    key = session.scalars(select(ApiKey)).one()
    token = identity.sign_in(session, made.user)
    sign_in = session.scalars(select(SignIn)).one()
    assert made.api_key.encode() not in key.token_hash
    assert made.api_key[8:] not in key.prefix
    assert token.encode() not in sign_in.token_hash
    assert made.password not in made.user.password_hash


@pytest.mark.parametrize("email", ["", "ana", "a b@x.org", "@x", "x@"])
def test_bad_addresses_are_refused(session, email):
    with pytest.raises(Invalid):
        identity.create_user(session, email)


def test_an_address_is_taken_whatever_its_case(session):
    identity.create_user(session, "ana@example.org")
    with pytest.raises(Duplicate):
        identity.create_user(session, "ANA@example.org")


def test_wrong_password_and_unknown_person_sound_the_same(session):
    gather(session)
    messages = set()
    for email, password in (("alice@example.org", "wrong-password"), ("nobody@example.org", PASSWORD)):
        with pytest.raises(Unauthenticated) as caught:
            identity.authenticate(session, email, password)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_a_disabled_person_is_out_at_once(session):
    cast = gather(session)
    bob = cast.users["bob"]
    token = identity.sign_in(session, bob)
    _, key = identity.create_key(session, bob, cast.team.id, "script")
    bob.disabled = True
    session.flush()
    for attempt in (lambda: identity.by_token(session, token), lambda: identity.by_key(session, key),
                    lambda: identity.authenticate(session, bob.email, PASSWORD)):  # fmt: skip
        with pytest.raises(Unauthenticated):
            attempt()


def test_sign_in_ends(session):
    cast = gather(session)
    token = identity.sign_in(session, cast.users["bob"])
    assert identity.by_token(session, token).user_id == cast.bob.user_id
    session.scalars(select(SignIn)).one().expires_at = now() - timedelta(seconds=1)
    session.flush()
    with pytest.raises(Unauthenticated):
        identity.by_token(session, token)


def test_changing_the_password_ends_every_sign_in(session):
    cast = gather(session)
    token = identity.sign_in(session, cast.users["bob"])
    identity.set_password(session, cast.users["bob"], "another-password")
    with pytest.raises(Unauthenticated):
        identity.by_token(session, token)


def test_revoked_and_expired_keys_stop(session):
    cast = gather(session)
    key, token = identity.create_key(session, cast.users["bob"], cast.team.id, "script")
    identity.revoke_key(session, cast.bob, key.uid)
    with pytest.raises(Unauthenticated, match="revoked"):
        identity.by_key(session, token)
    late, token = identity.create_key(
        session, cast.users["bob"], cast.team.id, "short", expires_at=now() + timedelta(hours=1)
    )
    late.expires_at = now() - timedelta(seconds=1)
    session.flush()
    with pytest.raises(Unauthenticated, match="expired"):
        identity.by_key(session, token)


def test_people_revoke_their_own_keys_and_managers_any_of_the_team(session):
    cast = gather(session)
    key, _ = identity.create_key(session, cast.users["bob"], cast.team.id, "script")
    with pytest.raises(Forbidden):
        identity.revoke_key(session, cast.ben, key.uid)
    with pytest.raises(NotFound):
        identity.revoke_key(session, cast.charlie, key.uid)
    assert identity.revoke_key(session, cast.max, key.uid).revoked_at


def test_a_read_only_key_reads(session):
    cast = gather(session)
    project = a_project(session, cast)
    _, token = identity.create_key(session, cast.users["alice"], cast.team.id, "reader", read_only=True)
    actor = identity.by_key(session, token)
    assert access.project(session, actor, project.uid).id == project.id
    with pytest.raises(Forbidden, match="read-only"):
        access.project(session, actor, project.uid, "manage")


def test_a_key_of_one_workspace_sees_no_other(session):
    cast = gather(session)
    project = a_project(session, cast)
    second = workspaces.create(session, cast.alice, cast.team, "Second")
    _, token = identity.create_key(session, cast.users["alice"], cast.team.id, "bound", workspace=second)
    actor = identity.by_key(session, token)
    assert session.scalars(access.visible_projects(actor)).all() == []
    with pytest.raises(NotFound):
        access.project(session, actor, project.uid)
    with pytest.raises(NotFound):
        access.workspace(session, actor, cast.workspace.slug)


def test_a_team_keeps_an_owner(session):
    cast = gather(session)
    with pytest.raises(Conflict):
        identity.set_role(session, cast.team.id, cast.users["alice"], "viewer")
    with pytest.raises(Conflict):
        identity.remove_member(session, cast.alice, cast.team.id, cast.alice.user_id)


def test_only_owners_make_owners(session):
    cast = gather(session)
    with pytest.raises(Forbidden):
        identity.change_member(session, cast.max, cast.team.id, cast.users["bob"], "owner")
    with pytest.raises(Forbidden):
        identity.change_member(session, cast.max, cast.team.id, cast.users["alice"], "viewer")
    identity.change_member(session, cast.alice, cast.team.id, cast.users["bob"], "owner")
    assert identity.actor_of(session, cast.users["bob"]).roles[cast.team.id] == "owner"


def test_leaving_a_team_ends_the_keys_there(session):
    cast = gather(session)
    _, token = identity.create_key(session, cast.users["bob"], cast.team.id, "script")
    identity.remove_member(session, cast.max, cast.team.id, cast.bob.user_id)
    with pytest.raises(Unauthenticated):
        identity.by_key(session, token)


def test_strangers_cannot_find_out_who_has_an_account(session):
    cast = gather(session)
    with pytest.raises(NotFound):
        identity.user_by_email(session, cast.charlie, "bob@example.org")
    assert identity.user_by_email(session, cast.vera, "BOB@example.org").id == session.scalar(
        select(User.id).where(User.email == "bob@example.org")
    )
