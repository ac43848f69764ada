"""Annotations of every shape through the real package: up and down in all its ways, both coordinate systems, bad input."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.shapes import SHAPES


def test_every_shape_comes_back_equal(bench: Bench) -> None:
    names = bench.pictures(3, "ann", width=40)
    found = bench.script(
        SHAPES + """
infos = start("annotations")
ann = everything(meta)
ids = [i.id for i in infos]
api.annotation.upload_anns(ids[:2], [ann, ann])
read = sly.Annotation.from_json(api.annotation.download(ids[0]).annotation, meta)
out = {"sent": plain_all(ann), "one": plain_all(read)}
batch = api.annotation.download_batch(ds.id, ids)
out["batch"] = [plain_all(sly.Annotation.from_json(b.annotation, meta)) == plain_all(ann) for b in batch]
out["json"] = plain_all(sly.Annotation.from_json(api.annotation.download_json(ids[1]), meta)) == plain_all(ann)
bulk = sly.run_coroutine(api.annotation.download_bulk_async(ds.id, ids[:2]))
out["async"] = [plain_all(sly.Annotation.from_json(b.annotation, meta)) == plain_all(ann) for b in bulk]
single = sly.run_coroutine(api.annotation.download_async(ids[0]))
out["single"] = plain_all(sly.Annotation.from_json(single.annotation, meta)) == plain_all(ann)
out["ids"] = sorted(l.geometry.sly_id for l in read.labels)
# What was read is sent again: nothing changes, ids of figures stay.
api.annotation.upload_ann(ids[0], read)
again = sly.Annotation.from_json(api.annotation.download(ids[0]).annotation, meta)
out["again"], out["same_ids"] = plain_all(again) == plain_all(ann), sorted(l.geometry.sly_id for l in again.labels)
keep = [l.geometry.sly_id for l in read.labels if not isinstance(l.geometry, (sly.AlphaMask, Multipolygon))]
out["kept"] = set(keep) <= set(out["same_ids"])
api.annotation.upload_ann(ids[0], sly.Annotation((30, 40)))
out["empty"] = plain_all(sly.Annotation.from_json(api.annotation.download(ids[0]).annotation, meta))
api.annotation.copy(ids[1], ids[2])
out["copied"] = plain_all(sly.Annotation.from_json(api.annotation.download(ids[2]).annotation, meta)) == plain_all(ann)
out["listed"] = [a.image_id for a in api.annotation.get_list(ds.id)] == ids
out["pages"] = sum(len(page) for page in api.annotation.get_list_generator(ds.id, batch_size=2))
out["labels"] = [i.labels_count for i in api.image.get_list(ds.id)]
out["image"] = ids[1]
answer(out)
""", json.dumps(names))  # fmt: skip
    assert found["one"] == found["sent"]
    for key in ("json", "single", "again", "kept", "copied", "listed"):
        assert found[key], key
    assert found["batch"] == [True, True, False]
    assert found["async"] == [True, True]
    assert found["empty"] == {"labels": [], "tags": [], "description": "", "size": [30, 40]}
    assert found["pages"] == 3
    assert found["labels"] == [0, 10, 10]
    # The same labels in our own words.
    items = bench.server.request("GET", "/api/v1/items?limit=500")[1]
    assert items, "the items are there"


def test_appended_fast_and_changed_one_by_one(bench: Bench) -> None:
    names = bench.pictures(3, "app", width=40)
    found = bench.script(
        SHAPES + """
infos = start("appended")
ann = everything(meta)
ids = [i.id for i in infos]
named = lambda a: sly.Annotation.from_json(api.annotation.download(a).annotation, meta)
order = [l for l in ann.labels]
api.annotation.append_labels(ids[0], order[:6])
api.annotation.append_labels(ids[0], order[6:])
only = lambda labels: sorted((plain(l)[:3] for l in labels), key=str)
out = {"appended": only(named(ids[0]).labels) == only(ann.labels), "tags": [plain(l)[3] for l in named(ids[0]).labels][:2]}
api.annotation.upload_anns_fast(ids[1:2], [ann])
fast = named(ids[1])
out["fast"] = only(fast.labels) == only(ann.labels)
out["fast_tags"] = sorted(map(str, (plain(l)[:1] + plain(l)[3] for l in fast.labels))) == sorted(map(str, (plain(l)[:1] + plain(l)[3] for l in ann.labels)))
out["fast_image_tags"] = sorted((t.name, str(t.value)) for t in fast.img_tags) == plain_all(ann)["tags"] or [sorted((t.name, str(t.value)) for t in fast.img_tags), plain_all(ann)["tags"]]
figures = api.image.figure.download(ds.id, ids[:2])
out["figures"] = {str(k): len(v) for k, v in figures.items()}
box = next(f for f in figures[ids[0]] if f.geometry_type == "rectangle" and f.class_id == meta.get_obj_class("box").sly_id)
out["box"], out["meta"] = box.geometry["points"]["exterior"], [box.geometry_meta, box.area]
one = api.annotation.get_label_by_id(box.id, meta)
out["one"] = plain(one)[:4] == plain(next(l for l in ann.labels if l.obj_class.name == "box"))[:4]
moved = one.clone(geometry=sly.Rectangle(1, 2, 5, 6), tags=sly.TagCollection([sly.Tag(meta.get_tag_meta("weather"), "fog")]))
api.annotation.update_label(box.id, moved)
changed = api.annotation.get_label_by_id(box.id, meta)
out["moved"] = [changed.geometry.to_json()["points"]["exterior"], [(t.name, t.value) for t in changed.tags]]
api.annotation.update_label_priority(box.id, 7)
api.advanced.add_tag_to_object(meta.get_tag_meta("seen").sly_id, box.id)
tags = api.advanced.get_object_tags(box.id)
out["object_tags"] = sorted(t["name"] for t in tags)
api.advanced.remove_tag_from_object(meta.get_tag_meta("seen").sly_id, box.id, next(t["id"] for t in tags if t["name"] == "seen"))
out["tag_gone"] = [t["name"] for t in api.advanced.get_object_tags(box.id)]
cube = Cuboid([P(a, b) for a, b in [(5, 5), (5, 20), (15, 20), (15, 5), (2, 8), (2, 23), (12, 23)]], [CuboidFace(0, 1, 2, 3), CuboidFace(0, 4, 5, 1), CuboidFace(1, 5, 6, 2)])
api.annotation.append_labels(ids[2], [sly.Label(cube, meta.get_obj_class("cube")), order[0].clone(obj_class=meta.get_obj_class("box"))])
[cubes] = api.image.figure.download(ds.id, [ids[2]]).values()
out["cube"] = [f.geometry == json.loads(json.dumps(cube.to_json())) for f in cubes if f.geometry_type == "cuboid"]
rest = named(ids[2])
api.annotation.upload_ann(ids[2], rest)
out["cube_stays"] = sorted(f.geometry_type for f in list(api.image.figure.download(ds.id, [ids[2]]).values())[0])
seen = meta.get_tag_meta("seen").sly_id
[more] = api.image.tag.add_to_objects(p.id, [{"tagId": seen, "figureId": box.id}])
shown = next(t for t in api.advanced.get_object_tags(box.id) if t["tagId"] == seen)
out["tag data"] = [shown["id"] == more["id"], api.image.tag.update_figure_custom_data(more["id"], {"by": "qa"}),
                   next(t for t in api.advanced.get_object_tags(box.id) if t["tagId"] == seen)["customData"]]
api.volume.figure.update_custom_data(box.id, {"a": {"b": 1}})
api.volume.figure.update_custom_data(box.id, {"a": {"c": 2}})
ours = sly.Tag(meta.get_tag_meta("weather"), "rain", custom_data={"model": 3})
api.annotation.upload_ann(ids[1], fast.clone(img_tags=sly.TagCollection([ours])))
out["sent data"] = [t.custom_data for t in named(ids[1]).img_tags]
before = api.annotation.get_label_by_id(box.id, meta)
api.image.figure.remove_batch([box.id])
api.image.figure.restore(box.id)
out["restored"] = plain(api.annotation.get_label_by_id(box.id, meta)) == plain(before)
out["box data"] = next(f.custom_data for f in api.image.figure.download(ds.id, ids[:1])[ids[0]] if f.id == box.id)
out["never"] = refused(api.image.figure.restore, box.id + 1000)
api.image.figure.remove_batch([box.id])
out["removed"] = len(api.image.figure.download(ds.id, [ids[0]])[ids[0]])
out["missing"] = refused(api.annotation.update_label_priority, box.id, 1)
answer(out)
""", json.dumps(names))  # fmt: skip
    for key in ("appended", "fast", "fast_tags", "one"):
        assert found[key] is True, key
    assert found["fast_image_tags"] is True
    assert list(found["figures"].values()) == [10, 10]
    assert found["box"] == [[4, 3], [21, 17]]
    assert found["meta"][0]["bbox"] == [3, 4, 17, 21]
    assert float(found["meta"][1]) == 18 * 15
    assert found["moved"] == [[[2, 1], [6, 5]], [["weather", "fog"]]]
    assert found["object_tags"] == ["seen", "weather"]
    assert found["tag_gone"] == ["weather"]
    assert found["cube"] == [True]
    assert found["cube_stays"] == ["cuboid", "rectangle"]
    assert found["tag data"] == [True, {"by": "qa"}, {"by": "qa"}]
    assert found["sent data"] == [{"model": 3}]
    assert (found["restored"], found["box data"]) == (True, {"a": {"b": 1, "c": 2}})
    assert "404" in found["never"]
    assert found["removed"] == 9
    assert "404" in found["missing"]


def prepared(bench: Bench) -> tuple[int, int, int]:
    """A project with classes of every shape and one image of 40 x 30: ids of project, dataset, image."""
    made = bench.ask(
        "projects.add",
        {"name": "bad", "workspaceId": bench.workspace, "type": "images"} | {"name": f"bad {next(_numbers)}"},
    )
    dataset = bench.ask("datasets.add", {"projectId": made["id"], "name": "ds"})["id"]
    shapes = ("rectangle", "polygon", "line", "point", "bitmap", "multipolygon", "oriented_bbox", "cuboid", "any")
    classes: list[dict[str, Any]] = [{"title": shape, "shape": shape, "color": "#112233"} for shape in shapes]
    graph = {
        "nodes": {
            "a": {"label": "a", "loc": [0, 0], "color": "#000000"},
            "b": {"label": "b", "loc": [9, 9], "color": "#000000"},
        },
        "edges": [],
    }
    classes.append({"title": "graph", "shape": "graph", "color": "#112233", "geometry_config": graph})
    tags = [{"name": "n", "value_type": "any_number", "color": "#112233"},
            {"name": "whole", "value_type": "none", "color": "#112233", "applicable_type": "imagesOnly"}]  # fmt: skip
    bench.ask("projects.meta.update", {"id": made["id"], "meta": {"classes": classes, "tags": tags}})
    from tests.support import pictures
    from tests.vendors.supervisely.test_images import upload

    _, [stored] = upload(bench, pictures.picture(seed=40_000 + next(_numbers)))
    [image] = bench.ask(
        "images.bulk.add", {"datasetId": dataset, "images": [{"title": "a.png", "hash": stored["hash"]}]}
    )
    return made["id"], dataset, image["id"]


_numbers = itertools.count(1)
BOX = {"points": {"exterior": [[1, 1], [5, 5]], "interior": []}}


def shape(kind: str, **geometry: Any) -> dict[str, Any]:
    """A label of the class of that shape."""
    return {"classTitle": kind, "geometryType": kind, "tags": [], **geometry}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown class": (shape("rectangle", **BOX) | {"classTitle": "moon"}, "moon"),
    "another shape": (shape("polygon", **BOX) | {"geometryType": "rectangle"}, "drawn as polygon"),
    "unknown shape": (shape("any", **BOX) | {"geometryType": "blob"}, "blob"),
    "outside": (shape("rectangle", points={"exterior": [[1, 1], [50, 5]], "interior": []}), "outside"),
    "below zero": (shape("point", points={"exterior": [[-1, 5]], "interior": []}), "outside"),
    "one corner": (shape("rectangle", points={"exterior": [[1, 1]], "interior": []}), "two corners"),
    "two points": (shape("polygon", points={"exterior": [[1, 1], [2, 2]], "interior": []}), "3 points"),
    "texts": (shape("point", points={"exterior": [["a", 1]], "interior": []}), "two numbers"),
    "no points": (shape("line"), "points"),
    "no bitmap": (shape("bitmap", bitmap={"origin": [0, 0], "data": "AAAA"}), "PNG"),
    "no base64": (shape("bitmap", bitmap={"origin": [0, 0], "data": "\u00e4"}), "base64"),
    "no origin": (shape("bitmap", bitmap={"data": "iVBORw0KGgo="}), "PNG"),
    "unknown node": (shape("graph", nodes={"c": {"loc": [1, 1]}}), "'c'"),
    "no parts": (shape("multipolygon", parts=[]), "part"),
    "no angle": (shape("oriented_bbox", points=[[1, 1], [5, 5]], angle="x"), "angle"),
    "turned out": (shape("oriented_bbox", points=[[0, 0], [30, 5]], angle=1.5), "outside"),
    "tag of images": (shape("rectangle", **BOX) | {"tags": [{"name": "whole"}]}, "whole"),
    "tag's value": (shape("rectangle", **BOX) | {"tags": [{"name": "n", "value": "x"}]}, "number"),
    "unknown tag": (shape("rectangle", **BOX) | {"tags": [{"name": "moon"}]}, "moon"),
}


def test_bad_labels_are_refused_and_leave_nothing(bench: Bench) -> None:
    _, dataset, image = prepared(bench)
    good = shape("rectangle", **BOX)
    for name, (label, word) in BAD.items():
        body = {"size": {"width": 40, "height": 30}, "tags": [], "objects": [good, label]}
        status, answer = bench.call(
            "annotations.bulk.add", {"datasetId": dataset, "annotations": [{"imageId": image, "annotation": body}]}
        )
        assert status == 400, (name, answer)
        assert word in answer["details"]["message"], (name, answer)
    found = bench.ask("annotations.info", {"imageId": image, "integerCoords": False})
    assert found["annotation"]["objects"] == []


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("annotations.bulk.add", {"datasetId": 0, "annotations": []}, 404),
        ("annotations.bulk.info", {"datasetId": "D", "imageIds": [10**12]}, 404),
        ("annotations.info", {"imageId": 10**12}, 404),
        ("figures.info", {"id": 12}, 404),
        ("figures.info", {"id": 10**15}, 404),
        ("figures.bulk.add", {"entityId": "I", "figures": ["x"]}, 400),
        ("figures.bulk.add", {"figures": [{}]}, 400),
        ("figures.bulk.remove", {"figureIds": [5]}, 404),
        ("figures.list", {"datasetId": "D", "filter": [{"field": "shoe", "operator": "=", "value": 1}]}, 400),
        ("figures.tags.bulk.add", {"projectId": "P", "tags": [{"tagId": 10**9, "figureId": 1}]}, 400),
        ("figures.bulk.download.geometry", {"ids": [77]}, 404),
        ("image-tags.bulk.add-to-image", {"tagId": 10**9, "ids": ["I"]}, 400),
    ],
)
def test_refusals(bench: Bench, method: str, body: dict[str, Any], status: int) -> None:
    project, dataset, image = prepared(bench)
    names = {"P": project, "D": dataset, "I": image}
    sent = {k: [names.get(x, x) if isinstance(x, str) else x for x in v] if isinstance(v, list) else names.get(v, v) if isinstance(v, str) else v
            for k, v in body.items()}  # fmt: skip
    got, answer = bench.call(method, sent)
    assert got == status, answer
    assert answer["details"]["message"]


def test_images_of_other_datasets_are_refused(bench: Bench) -> None:
    _, dataset, _ = prepared(bench)
    _, _, other = prepared(bench)
    entry = {"imageId": other, "annotation": {"size": {"width": 40, "height": 30}, "tags": [], "objects": []}}
    for method, body in (
        ("annotations.bulk.add", {"datasetId": dataset, "annotations": [entry]}),
        ("annotations.bulk.info", {"datasetId": dataset, "imageIds": [other]}),
        ("images.bulk.download", {"datasetId": dataset, "imageIds": [other]}),
        ("figures.bulk.add", {"datasetId": dataset, "figures": [{"entityId": other}]}),
    ):
        status, answer = bench.call(method, body)
        assert status == 400, (method, answer)
        assert "not in the dataset" in answer["details"]["message"]


def test_pixels_out_without_the_flag(bench: Bench) -> None:
    """What the editor draws lies between pixels; older packages, which send no flag, get whole ones."""
    _, dataset, image = prepared(bench)
    label = shape("rectangle", points={"exterior": [[1.74, 1.55], [3.76, 4.63]], "interior": []})
    dot = shape("point", points={"exterior": [[40, 30]], "interior": []})
    body = {"size": {"width": 40, "height": 30}, "tags": [], "objects": [label, dot]}
    bench.ask("annotations.bulk.add", {"datasetId": dataset, "annotations": [{"imageId": image, "annotation": body}]})
    exact = bench.ask("annotations.info", {"imageId": image, "integerCoords": False})["annotation"]["objects"]
    assert [o["points"]["exterior"] for o in exact] == [[[1.74, 1.55], [3.76, 4.63]], [[40, 30]]]
    whole = bench.ask("annotations.info", {"imageId": image})["annotation"]["objects"]
    assert [o["points"]["exterior"] for o in whole] == [[[2, 1], [3, 4]], [[39, 29]]]
