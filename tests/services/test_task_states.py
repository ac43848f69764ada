"""The task's states under any order of what people do: a plain model beside it says what must be so.

Roles, leases that end, a clock that jumps, verdicts, skipping, pausing, reassigning."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from labelwright.db import Database, now
from labelwright.errors import Conflict, Forbidden, Invalid, LabelwrightError, LeaseLost
from labelwright.models.events import Event
from labelwright.models.work import Task
from labelwright.services import jobs, queue, review, tasks
from tests.support.cast import a_project, gather
from tests.support.work import a_job

TASKS = 2
PEOPLE = ("bob", "rita", "max")
REVIEWERS = ("rita", "max")
person, number = st.sampled_from(PEOPLE), st.integers(0, TASKS - 1)


class Work(RuleBasedStateMachine):
    """One job of a few tasks and four people. `tokens`: every lease that was ever given, as (task, person, token)."""

    database: Database

    @initialize(review_own=st.booleans())
    def begin(self, review_own):
        self.session = Session(self.database.engine, expire_on_commit=False)
        self.cast = gather(self.session)
        self.project = a_project(self.session, self.cast, review_own=review_own)
        self.review_own = review_own
        self.job, self.tasks = a_job(self.session, self.cast.max, self.project, TASKS)
        self.clock = now()
        self.tokens: list[tuple[int, str, str]] = []
        self.current: dict[int, tuple[str, str]] = {}

    def teardown(self):
        if hasattr(self, "session"):
            self.session.rollback()
            self.session.close()

    def actor(self, name):
        return getattr(self.cast, name)

    def taken(self, task, name):
        which = self.tasks.index(task)
        holder, token = self.current.get(which, (None, None))
        if token != task.lease:
            # Somebody who really holds it is never robbed.
            assert holder in (None, name) or self.ended(which)
            self.tokens.append((which, name, task.lease))
        self.current[which] = (name, task.lease)
        self.until[which] = self.clock + timedelta(minutes=queue.LEASE_MINUTES)
        assert (task.state, task.holder_id) == ("held", self.actor(name).user_id)
        assert task.stage == "label" or name in REVIEWERS
        assert task.stage == "label" or self.review_own or task.author_id != self.actor(name).user_id

    @property
    def until(self):
        return self.__dict__.setdefault("_until", {})

    def ended(self, which):
        return self.until[which] < self.clock

    @rule(minutes=st.sampled_from([1, 10, 31, 90]))
    def time_passes(self, minutes):
        self.clock += timedelta(minutes=minutes)

    @rule(name=person, stage=st.sampled_from([None, "label", "review"]))
    def next_task(self, name, stage):
        task = queue.next_task(self.session, self.actor(name), self.project, stage, at=self.clock)
        if task is None:
            assert not self.waiting_for(name, stage)
        else:
            assert self.job.status == "active"
            assert stage in (None, task.stage)
            assert task.assignee_id in (None, self.actor(name).user_id)
            self.taken(task, name)

    def waiting_for(self, name, stage):
        """Tasks that the queue owes this person."""
        if self.job.status != "active":
            return []
        me = self.actor(name).user_id
        return [
            t for which, t in enumerate(self.tasks)
            if stage in (None, t.stage) and t.stage != "end"
            and (t.stage == "label" or name in REVIEWERS)
            and t.assignee_id in (None, me)
            and (t.stage == "label" or self.review_own or t.author_id != me)
            and (t.state == "open" or (t.state == "held" and (self.ended(which) or t.holder_id == me)))
        ]  # fmt: skip

    @rule(name=person, which=number)
    def claim(self, name, which):
        task = self.tasks[which]
        free = task.state == "open" or (
            task.state == "held" and (self.ended(which) or task.holder_id == self.actor(name).user_id)
        )
        try:
            queue.claim(self.session, self.actor(name), task, at=self.clock)
        except Forbidden:
            assert task.stage == "review"
            assert name not in REVIEWERS
        except Conflict:
            own = task.stage == "review" and task.author_id == self.actor(name).user_id and not self.review_own
            given = task.assignee_id not in (None, self.actor(name).user_id) and name != "max"
            assert not free or own or given or self.job.status != "active"
        else:
            assert free
            self.taken(task, name)

    def a_token(self, data):
        """A lease that was given once; mostly one that still holds."""
        present = [(which, name, lease) for which, (name, lease) in sorted(self.current.items())]
        return data.draw(st.sampled_from(present if present and data.draw(st.integers(0, 3)) else self.tokens))

    def good(self, token):
        which, name, lease = token
        return self.current.get(which) == (name, lease)

    def attempt(self, token, act):
        """Do something with a token: it works if and only if the token is the present one."""
        which, name, lease = token
        task, before = self.tasks[which], self.seen(self.tasks[which])
        try:
            act(self.actor(name), task, lease)
        except LeaseLost:
            assert not self.good(token)
        except LabelwrightError as error:
            assert self.good(token), error  # noqa: PT017
        else:
            assert self.good(token)
            return task
        assert self.seen(task) == before
        return None

    @staticmethod
    def seen(task):
        return (
            task.stage,
            task.state,
            task.step,
            task.holder_id,
            task.lease,
            task.assignee_id,
            task.returned,
            task.verdict,
        )

    def forget(self, task):
        self.current.pop(self.tasks.index(task), None)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), seconds=st.floats(-10, 1e6))
    def heartbeat(self, data, seconds):
        token = self.a_token(data)
        spent = self.tasks[token[0]].seconds
        task = self.attempt(
            token, lambda a, t, lease: queue.heartbeat(self.session, a, t, lease, seconds, at=self.clock)
        )
        if task is not None:
            assert 0 <= task.seconds - spent <= queue.MOST_SECONDS
            self.until[token[0]] = self.clock + timedelta(minutes=queue.LEASE_MINUTES)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def release(self, data):
        token = self.a_token(data)
        task = self.attempt(token, lambda a, t, lease: queue.release(self.session, a, t, lease, at=self.clock))
        if task is not None:
            self.forget(task)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def skip(self, data):
        token = self.a_token(data)
        task = self.attempt(token, lambda a, t, lease: tasks.skip(self.session, a, t, lease, "dark", at=self.clock))
        if task is not None:
            assert task.state == "skipped"
            self.forget(task)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def submit(self, data):
        token = self.a_token(data)
        stage = self.tasks[token[0]].stage
        task = self.attempt(token, lambda a, t, lease: tasks.submit(self.session, a, t, lease, at=self.clock))
        if task is not None:
            assert stage == "label"
            assert (task.stage, task.state, task.author_id) == ("review", "open", self.actor(token[1]).user_id)
            self.forget(task)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), good=st.booleans())
    def judge(self, data, good):
        token = self.a_token(data)
        stage, author = self.tasks[token[0]].stage, self.tasks[token[0]].author_id

        def act(actor, task, lease):
            if good:
                review.accept(self.session, actor, task, lease, at=self.clock)
            else:
                review.reject(self.session, actor, task, lease, "Wrong class", at=self.clock)

        task = self.attempt(token, act)
        if task is not None:
            assert stage == "review"
            assert token[1] in REVIEWERS
            self.forget(task)
            if good:
                assert (task.stage, task.state) == ("end", "done")
            else:
                assert (task.stage, task.state, task.assignee_id) == ("label", "open", author)

    @precondition(lambda self: any(t.state in ("done", "skipped") for t in self.tasks))
    @rule(which=number)
    def reopen(self, which):
        task, before = self.tasks[which], self.tasks[which].state
        try:
            tasks.reopen(self.session, self.cast.max, task, at=self.clock)
        except Conflict:
            assert before == "open"
        else:
            assert (task.state, task.holder_id, task.finished_at) == ("open", None, None)
            self.forget(task)

    @rule(which=number, name=st.sampled_from([None, *PEOPLE]))
    def reassign(self, which, name):
        task = self.tasks[which]
        person = self.actor(name).user_id if name else None
        try:
            tasks.reassign(self.session, self.cast.max, task, person, at=self.clock)
        except (Conflict, Invalid):
            assert task.state in ("done", "skipped") or task.stage == "review"
        else:
            assert task.assignee_id == person
            if which in self.current and self.current[which][0] != name:
                self.forget(task)

    @rule()
    def pause_or_resume(self):
        if self.job.status == "active":
            jobs.pause(self.session, self.cast.max, self.job)
        elif self.job.status == "paused":
            jobs.resume(self.session, self.cast.max, self.job)

    @rule()
    def expire(self):
        queue.expire(self.session, at=self.clock)
        assert all(not self.ended(w) for w, t in enumerate(self.tasks) if t.state == "held")

    @invariant()
    def all_is_consistent(self):
        if not hasattr(self, "session"):
            return
        self.session.flush()
        self.session.expire_all()
        for which, task in enumerate(self.tasks):
            assert (task.stage == "end") == (task.state == "done") == (task.step == "end")
            assert (task.finished_at is not None) == (task.state == "done")
            if task.state == "held":
                name, lease = self.current[which]
                assert (task.holder_id, task.lease) == (self.actor(name).user_id, lease)
            if task.state in ("skipped", "done"):
                assert (task.holder_id, task.lease, task.lease_until) == (None, None, None)
            assert not (task.verdict == "accepted" and task.author_id == task.reviewer_id) or self.review_own
        over = all(task.state == "done" for task in self.tasks)
        assert (self.job.status == "done") == over
        ended = self.session.scalars(
            select(Event.kind).where(Event.kind.in_(["task.completed", "task.reopened"]), Event.task_id.is_not(None))
        ).all()
        done = self.session.scalars(select(Task.id).where(Task.state == "done")).all()
        assert ended.count("task.completed") >= len(done)


def test_any_order_of_actions_keeps_the_rules(database):
    machine = type("Machine", (Work,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40 if database.sqlite else 12, stateful_step_count=40, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
