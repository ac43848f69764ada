"""What a job keeps its labelers from touching: objects of classes and values of attributes that are not theirs. Pure.

`checks` says what may stand in a document; this says what a save under a job may change of what stood there before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from labelwright.errors import Problem
from labelwright.geometry.document import Attributes, Document, LabelObject
from labelwright.models.work import Job
from labelwright.services import job_options


def breaches(job: Job, stage: str, before: Document, after: Document) -> list[Problem]:
    """Each change from `before` to `after` that the job does not allow; `stage`: the step at which it is made.

    Read-only attributes bind labelers; reviewers may change them."""
    rules = _Rules(job, stage)
    if rules.free:
        return []
    was = {o.id: o for o in before.objects}
    now = {o.id for o in after.objects}
    problems = [p for o in after.objects if was.get(o.id) is not o for p in rules.changed(was.get(o.id), o)]
    problems += [rules.foreign(o) for o in before.objects if o.id not in now and not rules.takes(o)]
    problems += rules.values(before.attributes, after.attributes, None, "attributes")
    for frame in sorted({*before.frames, *after.frames}):
        problems += rules.values(before.frames.get(frame, {}), after.frames.get(frame, {}), None, f"frames.{frame}")
    return problems


class _Rules:
    def __init__(self, job: Job, stage: str) -> None:
        self.classes: Collection[str] | None = None if job.allowed_classes is None else set(job.allowed_classes)
        self.attributes = None if job.allowed_attributes is None else set(job.allowed_attributes)
        self.fixed = set(job_options.of(job).read_only_attributes) if stage == "label" else set()
        self.free = self.classes is None and self.attributes is None and not self.fixed

    def takes(self, item: LabelObject) -> bool:
        return self.classes is None or item.class_name in self.classes

    def foreign(self, item: LabelObject) -> Problem:
        text = f"This job does not take the class {item.class_name!r}; leave its objects as they are."
        return Problem(text, "class", item.id, "class_not_allowed")

    def changed(self, old: LabelObject | None, new: LabelObject) -> Iterator[Problem]:
        if old is not None and old != new and not self.takes(old):
            yield self.foreign(old)
            return
        yield from self.values(old.attributes if old else {}, new.attributes, new.id, "attributes")
        was = {k.frame: k.attributes for k in old.keyframes or ()} if old else {}
        frames = {k.frame: k.attributes for k in new.keyframes or ()}
        for frame in sorted({*was, *frames}):
            yield from self.values(was.get(frame, {}), frames.get(frame, {}), new.id, f"keyframes.{frame}.attributes")

    def values(self, old: Attributes, new: Attributes, object_id: int | None, at: str) -> list[Problem]:
        found = []
        for name in sorted({*old, *new}):
            if old.get(name) == new.get(name):
                continue
            if name in self.fixed:
                text = f"{name!r} is only to be read in this job."
                found.append(Problem(text, f"{at}.{name}", object_id, "read_only"))
            elif self.attributes is not None and name not in self.attributes:
                text = f"This job does not take the attribute {name!r}."
                found.append(Problem(text, f"{at}.{name}", object_id, "attribute_not_allowed"))
        return found
