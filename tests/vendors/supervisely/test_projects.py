"""Whole projects down and up again through the real package, in all its ways: what comes back equals what was there."""

from __future__ import annotations

import json

from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.shapes import SHAPES

FILL = (
    SHAPES
    + """
def fill(name):
    infos = start(name)
    ann = everything(meta)
    inner = api.dataset.create(p.id, "inner", parent_id=ds.id)
    deep = api.dataset.create(p.id, "deep", parent_id=inner.id)
    more = api.image.upload_paths(inner.id, NAMES[:2], NAMES[:2], metas=[{"k": 1}, {"k": 2}])
    api.annotation.upload_anns([i.id for i in infos], [ann.clone(labels=ann.labels[n:]) for n in range(len(infos))])
    api.annotation.upload_anns([more[0].id], [ann])
    return p

def content(project_id):
    meta = sly.ProjectMeta.from_json(api.project.get_meta(project_id, with_settings=True))
    found = {"meta": sorted(map(str, ([c.name, c.geometry_type.__name__, c.color, str(c.geometry_config)] for c in meta.obj_classes)))
                     + sorted(map(str, ([t.name, t.value_type, t.possible_values] for t in meta.tag_metas)))}
    for parents, dataset in api.dataset.tree(project_id):
        images = api.image.get_list(dataset.id)
        anns = api.annotation.download_batch(dataset.id, [i.id for i in images])
        found["/".join([*parents, dataset.name])] = {
            i.name: [i.hash, i.meta, plain_all(sly.Annotation.from_json(a.annotation, meta))] for i, a in zip(images, anns)}
    return json.loads(json.dumps(found, default=str))

def local(folder):
    fs = sly.Project(str(folder), sly.OpenMode.READ)
    return {d.name: {name: plain_all(d.get_ann(name, fs.meta)) for name in d.get_items_names()} for d in fs.datasets}
"""
)


def test_down_and_up_again(bench: Bench) -> None:
    names = bench.pictures(4, "whole", width=40)
    found = bench.script(
        FILL + """
first = fill("whole")
there = content(first.id)
sly.download_project(api, first.id, str(folder / "sync"), log_progress=False, save_image_info=True, save_image_meta=True)
sly.run_coroutine(__import__("supervisely.project.project", fromlist=["x"]).Project.download_async(api, first.id, str(folder / "async"), log_progress=False, save_image_meta=True))
sly.download_fast(api, first.id, str(folder / "fast"), log_progress=False, save_image_meta=True)
out = {"there": there, "keys": sorted(there)}
out["local"] = local(folder / "sync") == local(folder / "async") == local(folder / "fast")
out["datasets"] = sorted(local(folder / "sync"))
for way in ("sync", "async", "fast"):
    project_id, _ = sly.upload_project(str(folder / way), api, WORKSPACE, project_name=f"back from {way}", log_progress=False)
    out[way] = content(project_id)
answer(out)
""", json.dumps(names))  # fmt: skip
    assert found["keys"] == ["ds", "ds/inner", "ds/inner/deep", "meta"]
    assert found["local"]
    assert len(found["there"]["ds"]) == 4
    for way in ("sync", "async", "fast"):
        assert found[way] == found["there"], way
