"""The package `playment` 1.0.5 from the registry, unmodified, against a running server."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import playment
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playment.base.data import Data
from playment.base.images import ImageData
from playment.base.sensors import Frame, Sensor, SensorData, SensorFrameObject, SensorFusionData
from playment.exception import PlaymentException

from tests.support.origin import Origin
from tests.support.processes import environment
from tests.vendors.playment import live
from tests.vendors.playment.live import TAG, Site
from tests.vendors.playment.test_traps import CORNERS, points

PICTURE = "https://cdn.example.org/600x400/000/fff.jpg&text=Dummy+Image+1"


@pytest.fixture
def site(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A running server, and the package pointed at it."""
    live.pointed_at(monkeypatch, shared_site.server.url)
    return shared_site.renewed()


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Where the pictures are."""
    origin = Origin()
    yield origin
    origin.close()


def cameras(*frame_ids: str, modality: str | None = None) -> SensorData:
    fusion = SensorFusionData()
    fusion.add_sensor(Sensor("cam", "Front", True, modality))
    for frame_id in frame_ids:
        frame = Frame(frame_id)
        frame.add_sensor(SensorFrameObject(f"https://cdn.example.org/{frame_id}.png", "cam"))
        fusion.add_frame(frame)
    return SensorData(fusion)


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    """The code of the one exception the package may raise."""
    with pytest.raises(PlaymentException) as caught:
        call(*arguments, **named)
    assert isinstance(caught.value.message, str)
    assert caught.value.message
    return caught.value.code


def test_the_package_files_and_reads(site: Site) -> None:
    client = playment.Client(site.server.api_key)
    batch = client.create_batch("Drive 1", "first", "of May", site.images)
    job = client.create_job("r-1", TAG, ImageData(PICTURE, {"k": 1}), site.images, priority_weight=9, batch_id=batch.id)
    video = client.create_job(17, TAG, cameras("f1", "f2"), site.videos)  # type: ignore[arg-type]
    cloud = client.create_job("r-2", TAG, cameras("f1", modality="lidar"), site.videos)
    summary = client.get_project_summary(site.images)
    assert (summary.base, summary.total_jobs, summary.total_batches, summary.annotations) == ("IMAGE", 1, 2, 0)
    listed = client.get_project_batches_summary(site.images)
    assert {b.name: b.total_jobs for b in listed.batches} == {"Default batch": 0, "Drive 1": 1}
    page = client.get_batch_summary(batch.id, site.images)
    assert [(j.id, j.reference_id, j.status) for j in page.jobs] == [(job.id, "r-1", "pending")]
    result = client.get_job_result(site.images, job.id)
    assert (result.batch_id, result.tag, result.priority_weight, result.result) == (batch.id, TAG, 9, "")
    told = client.get_job_result(site.videos, video.id)
    assert (told.reference_id, told.frames) == ("17", 2)
    assert "cannot be labeled" in client.get_job_result(site.videos, cloud.id).message


def test_pages_of_a_batch(site: Site) -> None:
    client = playment.Client(site.server.api_key)
    batch = client.create_batch("many", "", "", site.images)
    with ThreadPoolExecutor(8) as threads:
        filed = threads.map(
            lambda n: client.create_job(f"r-{n}", TAG, ImageData(PICTURE), site.images, batch_id=batch.id).id,
            range(205),
        )
        jobs = set(filed)
    seen, token, sizes = set(), None, []
    while token != "":
        page = client.get_batch_summary(batch.id, site.images, token)
        sizes.append(len(page.jobs))
        seen |= {job.id for job in page.jobs}
        token = page.next_page_token
    assert (sizes, seen) == ([100, 100, 5], jobs)


def test_only_its_own_exception_is_raised(site: Site) -> None:
    client = playment.Client(site.server.api_key)
    nobody = playment.Client("no such key")
    image = ImageData(PICTURE)
    client.create_batch("taken", "", "", site.images)
    client.create_job("taken", TAG, image, site.images)
    for call, arguments in {
        nobody.create_batch: ("b", "", "", site.images),
        nobody.create_job: ("r", TAG, image, site.images),
        nobody.get_project_summary: (site.images,),
    }.items():
        assert refused(call, *arguments) == "unauthorized_request"
    assert refused(client.create_batch, "taken", "", "", site.images) == "BATCH_CREATION"
    assert refused(client.create_batch, "", "", "", site.images) == "GE_0002"
    create = client.create_job
    assert refused(create, "taken", TAG, image, site.images) == "FS_0001"
    assert refused(create, "", TAG, image, site.images) == "FS_0002"
    assert refused(create, None, TAG, image, site.images) == "FS_0002"
    assert refused(create, "r", TAG, ImageData("ftp://a/b/c"), site.images) == "FS_0007"
    assert refused(create, "r", TAG, image, site.images, priority_weight=11) == "FS_00012"
    assert refused(create, "r", TAG, image, site.images, batch_id="batch_id") == "GE_0001"
    assert refused(create, "r", "nobody", image, site.images) == "FS_0003"
    assert refused(create, "r", TAG, image, "project_id") == "resource_error"
    assert refused(create, "r", TAG, image, str(uuid.uuid4())) == "resource_error"
    assert refused(create, "r", TAG, cameras("f", "f"), site.videos) == "FS_0003"
    assert refused(create, "r", TAG, image, site.videos) == "FS_0003"
    assert refused(client.get_batch_summary, "batch_id", site.images) == "GE_0001"
    assert refused(client.get_job_result, site.images, "job_id") == "FS_0006"
    assert refused(client.get_project_summary, "project_id") == "resource_error"
    assert refused(client.get_project_batches_summary, "") == "GE_0001"
    page = client.get_project_batches_summary(site.images).batches[0].id
    assert refused(client.get_batch_summary, page, site.images, "nonsense") == "invalid_request_error"


def test_the_default_that_two_sequences_share(site: Site) -> None:
    client = playment.Client(site.server.api_key)
    # What this test's run on the other database left in the package's default object.
    shared = SensorData().sensor_data
    shared.frames = shared.sensor_meta = None
    for number in (1, 2):
        data = SensorData()  # the second one carries the first one's frames: the package's own default object
        data.add_sensor(Sensor("cam", "Front", True))
        frame = Frame("f1")
        frame.add_sensor(SensorFrameObject("https://cdn.example.org/f1.png", "cam"))
        data.add_frame(frame)
        if number == 1:
            client.create_job("r-1", TAG, data, site.videos)
        else:
            assert refused(client.create_job, "r-2", TAG, data, site.videos) == "FS_0003"


words = st.text(max_size=12).filter(lambda text: ".." not in text and not text.startswith((".", "/")))


def test_whatever_is_thrown_at_it(site: Site) -> None:
    client = playment.Client(site.server.api_key)

    @given(words, words, words, st.one_of(st.none(), words), st.one_of(st.integers(), st.text(max_size=3)), st.data())
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def thrown(reference: str, tag: str, project: str, batch: str | None, priority: Any, data: st.DataObject) -> None:
        image = ImageData(data.draw(st.just(PICTURE) | words.map(lambda w: "https://a/b/" + w)), data.draw(words))
        for call, arguments in (
            (
                client.create_job,
                (reference, tag, image, data.draw(st.sampled_from([site.images, project])), priority, batch),
            ),
            (client.create_batch, (reference, tag, tag, data.draw(st.sampled_from([site.images, project])))),
            (client.get_batch_summary, (batch or "x", site.images, reference)),
            (client.get_job_result, (site.images, tag)),
            (client.get_project_summary, (project,)),
        ):
            try:
                call(*arguments)
            except PlaymentException as error:
                assert error.code not in ("api_error",)  # noqa: PT017

    thrown()


class Labeled(Data):
    """Any job's `data`, as the package lets its users make it."""

    def __init__(self, **keys: Any) -> None:
        self.__dict__.update(keys)

    def valid(self) -> bool:
        return True


def shapes() -> dict[str, dict[str, Any]]:
    """An annotation of each type."""
    corners = ((0.2, 0.6), (0.3, 0.6), (0.3, 0.5), (0.2, 0.5), (0.25, 0.55), (0.35, 0.55), (0.35, 0.4), (0.25, 0.4))
    ring = {"e1": ["p1", "p2"], "e2": ["p2", "p3"], "e3": ["p3", "p1"]}
    found: dict[str, dict[str, Any]] = {
        "rectangle": {"label": "Vehicle_car", "coordinates": CORNERS},
        "polygon": {"label": "lane_divider", "points": points((0.1, 0.1), (0.5, 0.1), (0.4, 0.6)), "edges": ring},
        "line": {"label": "lane_divider", "points": points((0.2, 0.8), (0.3, 0.5), (0.4, 0.4))},
        "cuboid": {
            "label": "Vehicle_car",
            "points": points(*corners),
            "front": {"coordinates": ["p1", "p2", "p3", "p4"]},
        },
        "landmark": {"label": "nose", "points": {"p1": {"x": 0.5, "y": 0.5, "label": 3}}},
    }
    return {kind: {"_id": str(uuid.uuid4()), "attributes": {}, **shape} for kind, shape in found.items()}


def bases(origin: Origin) -> dict[str, Any]:
    """For each base: a function that makes the `data` of job `n`."""
    one = shapes()
    lists = {kind + "s": {"type": kind + "s", "data": [shape]} for kind, shape in one.items()}
    frames = [{"frame_id": f"f{n}", "src": origin.url(f"/{n}.png")} for n in (1, 2)]
    trackers = [
        {"_id": str(uuid.uuid4()), "type": kind, "label": shape["label"], "frames": {"f1": shape, "f2": shape}}
        for kind, shape in one.items()
    ]
    legend = {"#070d00": "Sky", "#0e1a00": "Person 1"}  # the colours of pictures 1 and 2
    references = {"raster": {"images": [{"image_url": origin.url("/3.png"), "label": "camera 2"}]}}
    return {
        "image": lambda n: Labeled(
            image_url=origin.url(f"/{n % 50}.png"), maker_response=lists, reference_data=references
        ),
        "segmentation": lambda n: Labeled(
            image_url=origin.url(f"/{n % 50}.png"),
            maker_response={"raster": {"data": {"url": origin.url(f"/{n % 2 + 1}.png"), "legend": legend}}},
        ),
        "video": lambda n: Labeled(
            video_data={"frames": frames}, maker_response={"video2d": {"data": {"annotations": trackers}}}
        ),
    }


def test_300_labeled_jobs_of_each_base_over_two_batches(site: Site, origin: Origin) -> None:
    client = playment.Client(site.server.api_key)
    for base, data_of in bases(origin).items():
        project = site.videos if base == "video" else site.images
        batches = [client.create_batch(f"{base} {n}", "", "", project).id for n in (1, 2)]

        def file(
            n: int, base: str = base, data_of: Any = data_of, project: str = project, batches: Any = batches
        ) -> str:
            return client.create_job(f"{base}-{n}", TAG, data_of(n), project, batch_id=batches[n % 2]).id

        with ThreadPoolExecutor(8) as threads:
            jobs = list(threads.map(file, range(300)))
        assert len(set(jobs)) == 300
        summary = {b.id: b for b in client.get_project_batches_summary(project).batches}
        assert [summary[b].total_jobs for b in batches] == [150, 150]
        wanted = 1 if base == "segmentation" else 5

        def labeled(project: str = project, batches: Any = batches, wanted: int = wanted) -> bool:
            found = {b.id: b.annotations for b in client.get_project_batches_summary(project).batches}
            return [found[b] for b in batches] == [150 * wanted] * 2

        site.wait_for(labeled, 120)


SCRIPT = """
import sys
import requests

base = "https://api.playment.io/v1/projects/{}/".format(sys.argv[1])
headers = {"x-api-key": sys.argv[2]}
batch = requests.post(base + "batch", headers=headers, json={"name": "by script"}).json()["data"]["batch_id"]
frames = [{"src": "https://cdn.example.org/%d.png" % n, "frame_id": "frame%d" % n} for n in (1, 2, 3)]
job = {"reference_id": "script", "workflow_id": sys.argv[3], "batch_id": batch, "data": {"video_data": {"frames": frames}}}
answer = requests.post(base + "jobs", headers=headers, json=job)
assert answer.status_code == 200, answer.text
again = requests.post(base + "jobs", headers=headers, json=job)
assert 400 <= again.status_code < 500 and again.json()["error"]["message"], again.text

import playment
found = playment.Client(sys.argv[2]).get_batch_summary(batch, sys.argv[1])
assert [j.reference_id for j in found.jobs] == ["script"]
print("filed", answer.json()["data"]["job_id"])
"""


def test_scripts_redirected_by_their_environment(site: Site, tmp_path: Path) -> None:
    """Way B of the documentation: its own text is the shim that is used here."""
    page = (Path(__file__).parents[3] / "docs/vendors/playment.md").read_text()
    shim = page.split("sitecustomize.py")[1].split("```python\n")[1].split("```")[0]
    folder = tmp_path / "shim"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(shim.replace("https://your-server", site.server.url))
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), site.videos, site.server.api_key, "Maker"],
        env=environment() | {"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("filed ")


def test_two_scripts_at_once_never_share_a_reference(site: Site) -> None:
    client = playment.Client(site.server.api_key)
    outcomes: list[str] = []

    def file() -> None:
        try:
            client.create_job("same", TAG, ImageData(PICTURE), site.images)
            outcomes.append("filed")
        except PlaymentException as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=file) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["FS_0001"] * 7 + ["filed"]
