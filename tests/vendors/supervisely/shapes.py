"""Scripts of the package that make annotations of every shape."""

from __future__ import annotations

from tests.vendors.supervisely.test_places import META

# `full_meta()`, `everything(meta, width, height)`: an annotation with each shape but the cuboid, which the package itself can
# neither send nor read in whole annotations; `same(a, b)`: whether two labels mean the same.
SHAPES = (
    META
    + """
import numpy as np
from supervisely.geometry.multipolygon import Multipolygon
from supervisely.geometry.oriented_bbox import OrientedBBox
from supervisely.geometry.cuboid import Cuboid, CuboidFace
from supervisely.geometry.polygon import Polygon
P = sly.PointLocation

def disc(height, width, hole=True):
    y, x = np.mgrid[0:height, 0:width]
    far = (y - height / 2) ** 2 + (x - width / 2) ** 2
    return (far < (height / 2.2) ** 2) & ((far > (height / 6) ** 2) | (not hole))

def geometries():
    ramp = np.zeros((12, 14), np.uint8)
    ramp[2:10, 3:12] = np.arange(8 * 9).reshape(8, 9) * 3 + 1
    square = lambda x, y, s: [P(y, x), P(y, x + s), P(y + s, x + s), P(y + s, x)]
    pose = {k: sly.Node(P(5 + 3 * n, 8 + 2 * n), disabled=n == 1) for n, k in enumerate(POSE)}
    return {
        "box": sly.Rectangle(3, 4, 17, 21), "area": sly.Polygon(square(2, 2, 20), [square(6, 6, 8), square(16, 16, 3)]),
        "line": sly.Polyline([P(0, 0), P(10, 5), P(29, 39)]), "dot": sly.Point(29, 39), "mask": sly.Bitmap(disc(14, 14), origin=P(3, 5)),
        "soft": sly.AlphaMask(ramp, origin=P(4, 6)),
        "parts": Multipolygon([Polygon(square(1, 1, 6), [square(3, 3, 2)]), Polygon(square(20, 12, 5))]),
        "turned": OrientedBBox(10, 12, 18, 26, angle=0.3), "any": sly.Rectangle(0, 0, 29, 39),
        "pose": sly.GraphNodes(pose),
    }

def everything(meta):
    global POSE
    POSE = list(meta.get_obj_class("pose").geometry_config["nodes"])
    tags = [sly.Tag(meta.get_tag_meta("note"), "round"), sly.Tag(meta.get_tag_meta("weather"), "rain")]
    labels = []
    for name, geometry in geometries().items():
        found = meta.get_obj_class(name)
        mine = tags if name in ("box", "area") else tags[1:]
        labels.append(sly.Label(geometry, found, sly.TagCollection(mine), description=f"a {name}", binding_key="pair" if name in ("box", "dot") else None))
    whole = [sly.Tag(meta.get_tag_meta("seen")), sly.Tag(meta.get_tag_meta("count"), 2.5), sly.Tag(meta.get_tag_meta("weather"), "sun"),
             sly.Tag(meta.get_tag_meta("weather"), "fog"), sly.Tag(meta.get_tag_meta("day"), "2026-01-31T12:00:00.000Z")]
    return sly.Annotation((30, 40), labels, sly.TagCollection(whole), "Described")

def plain(label):
    g = label.geometry
    body = {k: v for k, v in g.to_json().items() if k not in ("id", "classId", "labelerLogin", "createdAt", "updatedAt")}
    if "bitmap" in body:
        body = {"origin": [int(v) for v in body["bitmap"]["origin"]], "data": g.data.astype(int).tolist()}
    tags = sorted((t.name, str(t.value)) for t in label.tags)
    return json.loads(json.dumps([label.obj_class.name, g.geometry_name(), body, tags, label.description, label.binding_key], default=float))

def plain_all(ann):
    return {"labels": sorted((plain(l) for l in ann.labels), key=str), "tags": sorted((t.name, str(t.value)) for t in ann.img_tags),
            "description": ann.img_description, "size": list(ann.img_size)}

def start(name):
    global p, ds, meta
    p = api.project.create(WORKSPACE, name, change_name_if_conflict=True)
    ds = api.dataset.create(p.id, "ds")
    meta = api.project.update_meta(p.id, full_meta())
    return api.image.upload_paths(ds.id, NAMES, NAMES)
NAMES = json.loads(sys.argv[1])
"""
)
