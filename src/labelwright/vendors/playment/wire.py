"""The envelope, the head of a create request, and the words in which jobs and batches are told about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from labelwright.vendors.playment import payload
from labelwright.vendors.playment.errors import (
    PAGE_TOKEN_INVALID,
    PARAMETER_INVALID,
    PARAMETER_MISSING,
    PRIORITY_INVALID,
    REFERENCE_MISSING,
    TYPE_INVALID,
    PlaymentError,
)

PAGE = 100
PRIORITIES = range(1, 11)
DEFAULT_PRIORITY = 5
ROUTE_KEYS = ("work_flow_id", "workflow_id", "tag")  # the first given one decides
JOB_TYPES = ("TEST", "NON_TEST")
BASES = {"image": "IMAGE", "video": "VIDEO"}
# A number past what databases keep in their JSON; the largest that a double still tells from its neighbours is far below.
MAX_INT = 2**63


@dataclass
class NewJob:
    """The head of a create request. `routes`: what was given of `ROUTE_KEYS`; `batch` None: the default batch."""

    reference_id: str
    data: Any
    routes: dict[str, str] = field(default_factory=dict)
    batch: UUID | None = None
    priority: int = DEFAULT_PRIORITY
    type: str | None = None


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in a request body. Raises GE_0001."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlaymentError(PARAMETER_INVALID, f"The body is not valid JSON: {error}") from None
    if type(value) is not dict:
        raise PlaymentError(PARAMETER_INVALID, "The body must be a JSON object.")
    if b"\\u0000" in body:
        payload.check_text(value)
    return value


def new_job(body: dict[str, Any]) -> NewJob:
    """The head of a create request, `data` still as sent. Raises `PlaymentError` with the documented codes."""
    reference_id = body.get("reference_id")
    if type(reference_id) is int:
        reference_id = str(reference_id)
    if reference_id is None or reference_id == "":
        raise PlaymentError(REFERENCE_MISSING, "reference_id is missing; give each job of the project its own.")
    if type(reference_id) is not str or not reference_id.strip() or len(reference_id) > 500:
        raise PlaymentError(PARAMETER_INVALID, "reference_id must be a text of 1 to 500 characters.")
    job = NewJob(reference_id, _data(body.get("data")))
    for key in ROUTE_KEYS:
        if text := _route(body.get(key), key):
            job.routes[key] = text
    job.batch = batch_ref(body.get("batch_id"))
    priority = body.get("priority_weight")
    if priority is not None:
        if type(priority) is not int or priority not in PRIORITIES:
            raise PlaymentError(PRIORITY_INVALID, "priority_weight must be a whole number from 1 to 10.")
        job.priority = priority
    job.type = body.get("type")
    if job.type is not None and job.type not in JOB_TYPES:
        raise PlaymentError(TYPE_INVALID, f"type must be one of {', '.join(JOB_TYPES)}.")
    return job


def _data(data: Any) -> Any:
    """`data`, which one page calls a string: a JSON text of an object is taken as that object."""
    if type(data) is not str or not data.strip():
        return data
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return data


def _route(value: Any, key: str) -> str:
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise PlaymentError(PARAMETER_INVALID, f"{key} must be a text.")
    return value.strip()


def batch_ref(value: Any) -> UUID | None:
    """A batch's id; None, null and "" mean the default batch. Raises GE_0001 for what is no UUID."""
    if value is None or value == "":
        return None
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise PlaymentError(PARAMETER_INVALID, f"batch_id {value!r:.100} is not the id of a batch (a UUID).") from None


@dataclass
class NewBatch:
    """A create-batch request."""

    name: str
    description: str = ""
    label: str | None = None


def new_batch(body: dict[str, Any]) -> NewBatch:
    """The batch to be made. Raises GE_0002 without a name, GE_0001 for wrong types."""
    name = body.get("name")
    if name is None or name == "":
        raise PlaymentError(PARAMETER_MISSING, "name is missing; a batch needs a name of its own in the project.")
    for key, limit in (("name", 200), ("description", 10_000), ("label", 200)):
        value = body.get(key)
        if value is not None and (type(value) is not str or len(value) > limit):
            raise PlaymentError(PARAMETER_INVALID, f"{key} must be a text of at most {limit} characters.")
    if not name.strip():
        raise PlaymentError(PARAMETER_INVALID, "name must not be blank.")
    return NewBatch(name, body.get("description") or "", body.get("label"))


def page_token(item_id: int, task_id: int) -> str:
    """Where the next page starts; digits and a dash only, since clients paste it into URLs as it is."""
    return f"{item_id}-{task_id}"


def read_page_token(token: str) -> tuple[int, int] | None:
    """What `page_token` made; None for the first page. Raises `invalid_request_error`."""
    if not token:
        return None
    item, dash, task = token.partition("-")
    if not (dash and item.isascii() and item.isdigit() and task.isascii() and task.isdigit() and len(token) < 40):
        raise PlaymentError(PAGE_TOKEN_INVALID, "page_token is not one; send next_page_token of the page before.")
    if max(int(item), int(task)) >= MAX_INT:
        raise PlaymentError(PAGE_TOKEN_INVALID, "page_token is not one; send next_page_token of the page before.")
    return int(item), int(task)


def job_status(stage: str, state: str, media_state: str, started: bool) -> str:
    """A job's status on GET: completed, failed, in_progress or pending."""
    if stage == "end":
        return "completed"
    if media_state == "failed" or state == "skipped":
        return "failed"
    return "in_progress" if started or stage != "label" or state == "held" else "pending"


def batch_status(total: int, completed: int) -> str:
    """A batch's status: Inactive (no job yet), Active or Complete."""
    if not total:
        return "Inactive"
    return "Complete" if completed == total else "Active"


def moment(when: datetime) -> str:
    """RFC 3339 with microseconds and an offset."""
    return when.isoformat(timespec="microseconds")
