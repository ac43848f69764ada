"""Whole projects down and up again through the real package, in all its ways: what comes back equals what was there."""

from __future__ import annotations

import json
from typing import Any

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
api.project.clone(first.id, WORKSPACE, "a copy")
taken = refused(api.project.clone, first.id, WORKSPACE, first.name)
task = api.project.clone(first.id, WORKSPACE, "the copy")
api.task.wait(task, api.task.Status.FINISHED, wait_attempts=600, wait_attempt_timeout_sec=0.1)
copy = api.task.get_info_by_id(task)["meta"]["output"]["project"]["id"]
out["clone"], out["taken"] = content(copy), taken
out["stats"], out["again"] = api.project.get_stats(first.id), api.project.get_stats(copy)
out["tag ids"] = [t.sly_id for t in sly.ProjectMeta.from_json(api.project.get_meta(copy)).tag_metas]
ours = sly.ProjectMeta.from_json(api.project.get_meta(first.id))
out["own"] = not set(out["tag ids"]) & {t.sly_id for t in ours.tag_metas}
home = api.workspace.create(TEAM, "elsewhere", change_name_if_conflict=True).id
api.project.move(copy, home)
out["moved"] = [api.project.get_info_by_id(copy).workspace_id == home, [x.id for x in api.project.get_list(home)] == [copy]]
answer(out)
""", json.dumps(names))  # fmt: skip
    assert found["keys"] == ["ds", "ds/inner", "ds/inner/deep", "meta"]
    assert found["local"]
    assert len(found["there"]["ds"]) == 4
    for way in ("sync", "async", "fast", "clone"):
        assert found[way] == found["there"], way
    assert "already" in found["taken"]
    assert found["own"]
    assert found["moved"] == [True, True]
    _stats(found["stats"], found["there"])
    for part in ("images", "objects", "imageTags", "objectTags"):
        totals = [_totals(stats[part]) for stats in (found["stats"], found["again"])]
        assert totals[0] == totals[1], part


def _totals(part: dict[str, Any]) -> dict[str, int]:
    rows = part["objectClasses"] if "objectClasses" in part else part["items"]
    return {(row.get("objectClass") or row["tagMeta"])["name"]: row["total"] for row in rows} | {"": part["total"]}


def _stats(stats: dict[str, Any], there: dict[str, Any]) -> None:
    images = [image for dataset in ("ds", "ds/inner", "ds/inner/deep") for image in there[dataset].values()]
    assert stats["images"]["total"] == len(images) == 6
    assert stats["objects"]["total"] == sum(len(image[2]["labels"]) for image in images)
    for image_class in stats["images"]["objectClasses"]:
        name = image_class["objectClass"]["name"]
        expected = sum(any(label[0] == name for label in image[2]["labels"]) for image in images)
        assert image_class["total"] == sum(d["count"] for d in image_class["datasets"]) == expected, name
