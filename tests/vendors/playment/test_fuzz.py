"""Whatever is sent: an answer in the envelope, never a server error, and nothing half-written."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from labelwright.geometry.ontology import AttributeInfo, ClassInfo, Ontology
from labelwright.models.documents import DocumentHead
from labelwright.models.items import Item, ItemMedia
from labelwright.models.work import Task
from labelwright.vendors.playment import payload, wire
from labelwright.vendors.playment.errors import PlaymentError
from tests.vendors.playment.conftest import PICTURE, Desk
from tests.vendors.playment.test_sdk import shapes
from tests.vendors.playment.test_traps import FRAMES, sensors

odd = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["", "a", "\0", "😀", "p1", "frame1", PICTURE, "#ff0000", "Vehicle_car", "..", "x" * 600]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "p1", "value", "data", "a b", "\0"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def seeds() -> list[dict[str, Any]]:
    """Good bodies of every base, to be spoiled."""
    one = shapes()
    legend = {"#ff0000": "Sky", "#00ff00": "Person 1"}
    trackers = [{"_id": k, "type": k, "label": s["label"], "frames": {"frame2": s}} for k, s in one.items()]
    reference = {"frame_id": "frame1", "data": [{"label": "c", "image_url": PICTURE}]}
    data: list[dict[str, Any]] = [
        {"image_url": PICTURE, "maker_response": {k + "s": {"data": [s]} for k, s in one.items()}, "metadata": {"a": 1}},
        {"image_url": PICTURE, "maker_response": {"raster": {"data": {"url": PICTURE, "legend": legend}}},
         "reference_data": {"raster": {"images": [{"image_url": PICTURE, "label": "c"}]}}},
        {"video_data": {"frames": FRAMES}, "maker_response": {"video2d": {"data": {"annotations": trackers}}},
         "reference_data": {"vector": {"images": [reference]}}},
        sensors("f1", "f2", primary=2),
        sensors("f1", lidar=True),
    ]  # fmt: skip
    return [{"tag": "Maker-1", "batch_id": None, "priority_weight": 5, "type": "TEST", "data": d} for d in data]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += places(one, (*path, key))
    return found


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[int, Any]:
    """A good body with one or two places replaced, taken away or copied."""
    number = draw(st.integers(0, len(seeds()) - 1))
    body = copy.deepcopy(seeds()[number])
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from([p for p in places(body) if p]))
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        action = draw(st.sampled_from(["replace", "replace", "remove", "copy"]))
        if action == "replace":
            holder[path[-1]] = draw(odd)
        elif action == "remove":
            del holder[path[-1]]
        elif isinstance(holder, list):
            holder.append(holder[path[-1]])
        else:
            holder["copy"] = holder[path[-1]]
    return number, body


@given(spoiled())
@settings(max_examples=400, deadline=None)
def test_spoiled_data_is_read_or_refused(drawn: tuple[int, Any]) -> None:
    kinds = {"flag": "flag", "number": "number", "State": "one_of", "faces_visible": "many_of", "note": "text"}
    names = ("Vehicle_car", "Person 1", "lane_divider", "nose", "Sky")
    ontology = Ontology(
        {n: ClassInfo(i, n) for i, n in enumerate(names)}, [AttributeInfo(n, k) for n, k in kinds.items()]
    )
    try:
        job = wire.new_job({"reference_id": "r", **drawn[1]})
        payload.read(job.data, ontology)
    except PlaymentError as error:
        assert error.message  # noqa: PT017


def counted(desk: Desk) -> tuple[int, ...]:
    with desk.database.read() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(t)) or 0 for t in (Item, Task, ItemMedia, DocumentHead)
        )


def test_spoiled_bodies_are_filed_or_refused(shared_desk: Desk) -> None:
    desk = shared_desk
    outcomes = set()

    @given(spoiled())
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def one(drawn: tuple[int, Any]) -> None:
        number, body = drawn
        desk.count += 1
        sent = {"reference_id": f"fuzz-{desk.count}", **body}
        before = counted(desk)
        project = desk.images if number < 2 else desk.videos
        envelope = desk.call("POST", desk.jobs(project), content=json.dumps(sent).encode())
        outcomes.add(envelope["success"])
        if not envelope["success"]:
            assert counted(desk) == before
            return
        job = envelope["data"]["job_id"]
        listed = desk.data("GET", f"{desk.jobs(project)}/{job}")
        assert listed["reference_id"] == sent["reference_id"]
        assert desk.fetch(listed["build"]).json()["reference_id"] == sent["reference_id"]

    one()
    assert outcomes == {True, False}


def test_odd_values_as_whole_bodies(shared_desk: Desk) -> None:
    @given(odd)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def one(body: Any) -> None:
        content = json.dumps(body).encode()
        for path in (shared_desk.jobs(), f"/v1/projects/{shared_desk.images}/batch"):
            shared_desk.call("POST", path, content=content)

    one()


def test_odd_addresses(shared_desk: Desk) -> None:
    @given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4), st.sampled_from(["GET", "POST", "PUT"]))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def one(parts: list[str], method: str) -> None:
        path = "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in parts)
        if ".." in parts or "." in parts:
            return
        for prefix in ("/v1/", "/v0/projects/", "/projectsvc/", "/playment/", f"/v1/projects/{shared_desk.images}/"):
            shared_desk.call(method, prefix + path)

    one()
