"""One picture, both sides: every shape that the package sends opens in our editor, every shape our editor writes comes out."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from tests.editor.conftest import somebody
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.shapes import SHAPES

WIDTH, HEIGHT = 640, 480
# As the editor writes them: fractions, what is between pixels, several parts.
DRAWN: dict[str, dict[str, Any]] = {
    "box": {"type": "rectangle", "box": [0.1, 0.1, 0.2503, 0.3]},
    "area": {"type": "polygon", "parts": [[[0.1, 0.1, 0.4, 0.1, 0.4, 0.4], [0.3, 0.15, 0.35, 0.15, 0.35, 0.2]]]},
    "line": {"type": "polyline", "points": [0.1, 0.2, 0.3, 0.4]},
    "dot": {"type": "point", "points": [1.0, 1.0]},
    "mask": {"type": "mask", "size": [640, 480], "box": [10, 20, 2, 2], "counts": "04"},
    "soft": {"type": "mask", "size": [640, 480], "box": [30, 40, 2, 2], "counts": "04"},
    "parts": {"type": "polygon", "parts": [[[0.1, 0.1, 0.2, 0.1, 0.2, 0.2]], [[0.5, 0.5, 0.6, 0.5, 0.6, 0.6]]]},
    "turned": {"type": "oriented_rectangle", "points": [0.2, 0.2, 0.4, 0.2, 0.4, 0.3, 0.2, 0.3]},
    "any": {"type": "skeleton", "points": [0.5, 0.5, 0.25, 0.25], "visibility": [2, 1]},
    "pose": {"type": "skeleton", "points": [0.1, 0.1, 0.2, 0.2, 0.0, 0.0], "visibility": [2, 1, 0]},
    "cube": {
        "type": "cuboid",
        "points": [0.1, 0.4, 0.3, 0.4, 0.3, 0.2, 0.1, 0.2, 0.15, 0.35, 0.35, 0.35, 0.35, 0.15, 0.15, 0.15],
    },
}
MADE = (
    SHAPES
    + """
infos = start("both sides")
ann = everything(meta)
api.annotation.upload_ann(infos[0].id, sly.Annotation((480, 640), ann.labels, ann.img_tags))
cube = Cuboid([P(a, b) for a, b in [(5, 5), (5, 20), (15, 20), (15, 5), (2, 8), (2, 23), (12, 23)]], [CuboidFace(0, 1, 2, 3), CuboidFace(0, 4, 5, 1), CuboidFace(1, 5, 6, 2)])
api.annotation.append_labels(infos[0].id, [sly.Label(cube, meta.get_obj_class("cube"))])
login = "hand-" + sys.argv[2]
user = api.user.create(login, "11111abc")
api.user.add_to_team(user.id, TEAM, api.role.DefaultRole.ANNOTATOR)
job = api.labeling_job.create("look", ds.id, [user.id], images_ids=[infos[0].id])[0]
answer({"project": p.id, "dataset": ds.id, "images": [i.id for i in infos], "login": login, "job": job.id})
"""
)
READ = (
    SHAPES
    + """
meta = sly.ProjectMeta.from_json(api.project.get_meta(int(sys.argv[2])))
ann = sly.Annotation.from_json(api.annotation.download(int(sys.argv[3])).annotation, meta)
figures = list(api.image.figure.download(int(sys.argv[4]), [int(sys.argv[3])]).values())[0]
answer({"labels": {l.obj_class.name: plain(l)[1:3] for l in ann.labels}, "tags": {l.obj_class.name: plain(l)[3] for l in ann.labels},
        "cube": [f.geometry for f in figures if f.geometry_type == "cuboid"], "figures": len(figures)})
"""
)


@pytest.mark.browser
def test_every_shape_of_the_package_opens_and_every_drawn_one_comes_out(bench: Bench, browser: Any) -> None:
    names = bench.pictures(2, "sides", width=WIDTH, height=HEIGHT)
    made = bench.script(MADE, json.dumps(names), uuid.uuid4().hex[:8])
    key = bench.server.cli("key", "create", "--user", made["login"], "--name", "hand")["api_key"]
    status, work = bench.server.request("POST", "/api/v1/tasks/next", {}, key)
    assert status == 200
    hand = somebody(bench.server, browser, made["login"], "11111abc", (WIDTH, HEIGHT))
    hand.page.add_init_script(
        "localStorage['labelwright.editor'] ??= JSON.stringify({hintsSeen: ['draw', 'class', 'save']})"
    )
    uid = work["task"]["uid"] if isinstance(work["task"], dict) else work["task"]
    hand.open(SimpleNamespace(uid=uid))  # type: ignore[arg-type]
    assert len(hand.rows()) == len(DRAWN), hand.rows()
    hand.press("b").drag((300, 300), (400, 400)).wait("saved")
    assert not hand.thrown
    hand.context.close()
    found = bench.ask("figures.list", {"datasetId": made["dataset"], "filter": [], "integerCoords": True})
    assert found["total"] == len(DRAWN) + 1, "what was sent stays beside what was drawn"


def test_what_the_editor_writes_comes_out(bench: Bench) -> None:
    names = bench.pictures(1, "written", width=WIDTH, height=HEIGHT)
    made = bench.script(SHAPES + "infos = start('written')\nanswer([p.id, infos[0].id, ds.id])", json.dumps(names))
    items = bench.server.request("GET", "/api/v1/projects")[1]
    uid = next(row["uid"] for row in listed(items) if row["name"].startswith("written"))
    [item] = listed(bench.server.request("GET", f"/api/v1/projects/{uid}/items")[1])
    put = [
        {"id": n + 1, "class": name, "shape": shape, "attributes": {"weather": "rain"}}
        for n, (name, shape) in enumerate(DRAWN.items())
    ]
    body = {"base": 0, "save_id": str(uuid.uuid4()), "put": put, "delete": [], "attributes": {"count": 2}}
    status, answer = bench.server.request("PATCH", f"/api/v1/items/{item['uid']}/document", body)
    assert status == 200, answer
    found = bench.script(READ, json.dumps(names), *made)
    # Some geometries of the package repeat their own name in their JSON.
    labels = {name: [kind, {k: v for k, v in body.items() if k not in ("shape", "geometryType")}]
              for name, (kind, body) in found["labels"].items()}  # fmt: skip
    assert labels["box"] == ["rectangle", {"points": {"exterior": [[64, 48], [159, 143]], "interior": []}}]
    assert labels["area"][1]["points"]["interior"] == [[[192, 72], [224, 72], [224, 96]]]
    assert labels["line"] == ["line", {"points": {"exterior": [[64, 96], [192, 192]], "interior": []}}]
    assert labels["dot"] == ["point", {"points": {"exterior": [[639, 479]], "interior": []}}]
    assert labels["mask"] == ["bitmap", {"origin": [10, 20], "data": [[1, 1], [1, 1]]}]
    assert labels["soft"][1]["origin"] == [30, 40]
    assert [len(part["exterior"]) for part in labels["parts"][1]["parts"]] == [3, 3]
    assert labels["turned"] == ["oriented_bbox", {"points": [[128, 96], [255, 143]], "angle": 0.0}]
    assert labels["any"] == ["line", {"points": {"exterior": [[320, 240], [160, 120]], "interior": []}}]
    assert len(labels["pose"][1]["nodes"]) == 2, "a point that is absent is no node"
    assert found["tags"]["box"] == [["weather", "rain"]]
    [cube] = found["cube"]
    assert (len(cube["points"]), cube["points"][0]) == (7, [64, 192])
    assert found["figures"] == len(DRAWN)


def listed(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list of our own API."""
    return next(value for value in answer.values() if isinstance(value, list))
