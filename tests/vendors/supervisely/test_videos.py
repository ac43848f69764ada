"""Videos through the real package: files, frames exact by number, objects, figures, tags with ranges, whole projects."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from labelwright.models.items import Item
from tests.support import pictures
from tests.vendors.supervisely.conftest import Bench
from tests.vendors.supervisely.floor import writing

BEGIN = """
from supervisely.video_annotation.key_id_map import KeyIdMap
META = sly.ProjectMeta(
    [sly.ObjClass("car", sly.Rectangle, [255, 0, 0]), sly.ObjClass("lane", sly.Polygon, [0, 255, 0]), sly.ObjClass("any", sly.AnyGeometry, [0, 0, 255])],
    [sly.TagMeta("night", sly.TagValueType.NONE), sly.TagMeta("speed", sly.TagValueType.ANY_NUMBER),
     sly.TagMeta("side", sly.TagValueType.ONEOF_STRING, possible_values=["left", "right"])])
def place(name="videos"):
    p = api.project.create(WORKSPACE, name, sly.ProjectType.VIDEOS, change_name_if_conflict=True)
    api.project.update_meta(p.id, META)
    return p, api.dataset.create(p.id, "clips"), sly.ProjectMeta.from_json(api.project.get_meta(p.id))
def annotation(meta, frames=10, size=(48, 64)):
    tag = lambda name, value=None, ends=None: sly.VideoTag(meta.get_tag_meta(name), value=value, frame_range=ends)
    car = sly.VideoObject(meta.get_obj_class("car"), tags=sly.VideoTagCollection([tag("side", "left"), tag("speed", 5, [1, 2]), tag("speed", 7, [3, 3])]))
    lane = sly.VideoObject(meta.get_obj_class("lane"))
    spot = sly.VideoObject(meta.get_obj_class("any"))
    figures = {f: [] for f in range(frames)}
    for f in (1, 2, 3, 6):
        figures[f].append(sly.VideoFigure(car, sly.Rectangle(2, 1, 10 + f, 20), f))
    for f in (2, 3, 4):
        figures[f].append(sly.VideoFigure(lane, sly.Polygon([sly.PointLocation(1, 1), sly.PointLocation(1, 30), sly.PointLocation(20, 30)]), f))
    figures[0].append(sly.VideoFigure(spot, sly.Point(5, 6), 0))
    figures[9].append(sly.VideoFigure(spot, sly.Point(47, 63), 9))
    tags = sly.VideoTagCollection([tag("night"), tag("speed", 3.5, [0, 4]), tag("speed", 4, [2, 8]), tag("side", "right", [9, 9])])
    return sly.VideoAnnotation(size, frames, sly.VideoObjectCollection([car, lane, spot]), sly.FrameCollection([sly.Frame(i, f) for i, f in figures.items() if f]), tags)
def plain(ann):
    def tags(c):
        return sorted(json.dumps([t.meta.name, t.value, list(t.frame_range) if t.frame_range else None]) for t in c)
    names = {}
    for n, o in enumerate(ann.objects):
        names[o.key().hex] = o.obj_class.name
    frames = {}
    for frame in ann.frames:
        frames[frame.index] = sorted(json.dumps([names[f.video_object.key().hex], f.geometry.to_json()], sort_keys=True) for f in frame.figures)
    return {"tags": tags(ann.tags), "objects": sorted([o.obj_class.name, tags(o.tags)] for o in ann.objects), "frames": frames}
"""


@pytest.fixture(scope="module")
def clip(bench: Bench) -> str:
    """A video of ten frames in the folder, each lighter than the one before."""
    (bench.folder / "clip.mp4").write_bytes(pictures.video(10))
    return "clip.mp4"


def run(bench: Bench, code: str, *arguments: Any) -> Any:
    return bench.script(BEGIN + code, *arguments)


def test_a_file_goes_up_and_comes_down(bench: Bench, clip: str) -> None:
    found = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4", meta={"from": "here"})
twin = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
by_hash = api.video.upload_hash(d.id, "third.mp4", v.hash)
api.video.download_path(v.id, "back.mp4")
Path("broken.mp4").write_bytes(Path("clip.mp4").read_bytes()[:300])
frames = [int(api.video.frame.download_np(v.id, f).mean()) for f in (0, 4, 9)]
many = [int(a.mean()) for a in api.video.frame.download_nps(v.id, [9, 0, 5])]
out = {"info": v._asdict(), "names": [x.name for x in api.video.get_list(d.id)], "twin": twin.name, "third": by_hash.hash == v.hash, "meta": api.video.get_info_by_id(v.id).meta,
       "same": Path("back.mp4").read_bytes() == Path("clip.mp4").read_bytes(), "frames": frames, "many": many,
       "no_frame": refused(api.video.frame.download_np, v.id, 10), "broken": refused(api.video.upload_path, d.id, "broken.mp4", "broken.mp4"),
       "unknown": refused(api.video.upload_hash, d.id, "x.mp4", "A" * 43 + "="), "by_name": api.video.get_info_by_name(d.id, "third.mp4").id == by_hash.id}
api.video.update_custom_data(v.id, {"a": 1})
out["custom"] = api.video.get_info_by_id(v.id).custom_data
api.video.remove(by_hash.id)
out["left"] = len(api.video.get_list(d.id))
out["count"] = api.dataset.get_info_by_id(d.id).items_count
answer(out)
""")  # fmt: skip
    info = found["info"]
    assert (info["frames_count"], info["frame_width"], info["frame_height"]) == (10, 64, 48)
    assert len(info["frames_to_timecodes"]) == 10
    assert (found["names"], found["twin"]) == (["clip.mp4", found["twin"], "third.mp4"], found["twin"])
    assert found["twin"] != "clip.mp4"
    assert [found["third"], found["same"], found["by_name"]] == [True] * 3
    assert found["meta"]["from"] == "here"
    assert [round((value - 10) / 20) for value in found["frames"]] == [0, 4, 9]
    assert [round((value - 10) / 20) for value in found["many"]] == [9, 0, 5]
    assert "400" in found["no_frame"]
    assert "400" in found["unknown"]
    assert found["broken"]
    assert (found["custom"], found["left"], found["count"]) == ({"a": 1}, 2, 2)


def test_annotations_come_back_as_they_were_sent(bench: Bench, clip: str) -> None:
    found = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
ann = annotation(meta)
keys = KeyIdMap()
api.video.annotation.append(v.id, ann, keys)
down = api.video.annotation.download(v.id)
again = sly.VideoAnnotation.from_json(down, meta, KeyIdMap())
first = plain(again)
api.video.annotation.append(v.id, ann, KeyIdMap())
twice = sly.VideoAnnotation.from_json(api.video.annotation.download_bulk(d.id, [v.id])[0], meta, KeyIdMap())
ids = [f["id"] for frame in down["frames"] for f in frame["figures"]] + [t["id"] for t in down["tags"]] + [t["id"] for o in down["objects"] for t in o["tags"]]
figures = api.video.figure.download(d.id, [v.id])[v.id]
answer({"sent": plain(ann), "back": first, "twice": [len(twice.objects), sum(len(f.figures) for f in twice.frames)], "unique": len(ids) == len(set(ids)),
        "named": [down["videoName"], down["framesCount"], down["size"]], "figures": len(figures), "types": sorted({f.geometry_type for f in figures})})
""")  # fmt: skip
    assert found["back"] == found["sent"]
    assert found["twice"] == [6, 18]
    assert found["unique"]
    assert found["named"] == ["clip.mp4", 10, {"height": 48, "width": 64}]
    assert (found["figures"], found["types"]) == (18, ["point", "polygon", "rectangle"])


def test_figures_and_tags_are_changed_one_by_one(bench: Bench, clip: str) -> None:
    found = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
api.video.annotation.append(v.id, annotation(meta), KeyIdMap())
def now():
    return sly.VideoAnnotation.from_json(api.video.annotation.download(v.id), meta, KeyIdMap())
raw = api.video.annotation.download(v.id)
car = next(o for o in raw["objects"] if o["classTitle"] == "car")
box = next(f for frame in raw["frames"] for f in frame["figures"] if frame["index"] == 2 and f["objectId"] == car["id"])
api.video.figure.update(box["id"], sly.Rectangle(0, 0, 5, 5))
api.video.figure.create(v.id, car["id"], 8, sly.Rectangle(1, 1, 2, 2).to_json(), "rectangle", track_id=4)
# A second figure of the object in the same frame, and a third: told as the object's, removed and restored one by one.
more = [api.video.figure.create(v.id, car["id"], 8, sly.Rectangle(1, 1, n, 9).to_json(), "rectangle") for n in (3, 4)]
def eight():
    return sorted([f["objectId"] == car["id"], f["geometry"]["points"]["exterior"][1][1]] for frame in api.video.annotation.download(v.id)["frames"] if frame["index"] == 8 for f in frame["figures"])
three, count = eight(), len(api.video.annotation.download(v.id)["objects"])
api.video.figure.remove_batch(more[:1])
two = eight()
api.video.figure.remove_batch(more[1:])
one = eight()
api.video.figure.remove_batch([box["id"]])
api.video.figure.restore_batch([box["id"]])
said = api.volume.figure.update_custom_data(box["id"], {"seen": {"by": "ann"}})
api.volume.figure.update_custom_data(box["id"], {"seen": {"at": 2}})
tagged = api.video.tag.update_custom_data(next(t for t in raw["tags"] if t["name"] == "speed")["id"], {"sure": 0.5})
on_car = api.video.tag.update_annotation_object_custom_data(next(t for t in car["tags"] if t["name"] == "side")["id"], {"q": 1}, "replace")
kept = [next(f.custom_data for f in api.video.figure.download(d.id, [v.id])[v.id] if f.id == box["id"]), tagged, on_car]
entities = api.video.tag.add_to_entities_json(p.id, [{"tagId": meta.get_tag_meta("speed").sly_id, "entityId": v.id, "value": 8, "frameRange": [9, 9]}])
upserted = [api.video.upsert_infos([v.hash], [{"framesCount": 10, "width": 64}]), refused(api.video.upsert_infos, [v.hash], [{"framesCount": 11}])]
api.video.tag.remove_from_video(entities[0])
late = refused(api.video.figure.create, v.id, car["id"], 10, sly.Rectangle(1, 1, 2, 2).to_json(), "rectangle")
wrong = refused(api.video.figure.create, v.id, car["id"], 5, sly.Point(1, 1).to_json(), "point")
api.video.figure.remove(next(f["id"] for frame in raw["frames"] for f in frame["figures"] if frame["index"] == 6))
night = next(t for t in raw["tags"] if t["name"] == "night")
api.video.tag.remove_from_video(night["id"])
made = api.video.tag.add_tag(meta.get_tag_meta("speed").sly_id, v.id, 9, [5, 6])
api.video.tag.update_frame_range(made["id"], [6, 7])
api.video.tag.update_value(made["id"], 11)
side = next(t for t in car["tags"] if t["name"] == "side")
api.video.object.tag.update_value(side["id"], "right")
extra = api.video.object.tag.add(meta.get_tag_meta("night").sly_id, car["id"], frame_range=[2, 3])
lane = next(o for o in raw["objects"] if o["classTitle"] == "lane")
after = plain(now())
api.video.object.remove_batch([lane["id"]])
answer({"after": after, "figures": [three, count, two, one], "kept": kept, "upserted": upserted, "late": late, "wrong": wrong, "left": plain(now())["objects"], "gone": refused(api.video.tag.remove_from_video, night["id"]),
        "track": [f["trackId"] for frame in api.video.annotation.download(v.id)["frames"] for f in frame["figures"] if frame["index"] == 8]})
""")  # fmt: skip
    after = found["after"]
    assert after["tags"] == sorted(
        ['["speed", 3.5, [0, 4]]', '["speed", 4, [2, 8]]', '["side", "right", [9, 9]]', '["speed", 11, [6, 7]]']
    )
    assert '"exterior": [[0, 0], [5, 5]]' in "".join(after["frames"]["2"])
    assert ("6" in after["frames"], len(after["frames"]["8"]), found["track"]) == (False, 1, [4])
    (car,) = [tags for name, tags in after["objects"] if name == "car"]
    assert car == sorted(
        ['["side", "right", null]', '["speed", 5, [1, 2]]', '["speed", 7, [3, 3]]', '["night", null, [2, 3]]']
    )
    assert sorted(name for name, _ in found["left"]) == ["any", "car"]
    assert found["figures"] == [[[True, 2], [True, 3], [True, 4]], 3, [[True, 2], [True, 4]], [[True, 2]]]
    assert found["kept"] == [{"seen": {"by": "ann", "at": 2}}, {"sure": 0.5}, {"q": 1}]
    assert found["upserted"][0] == {"success": True}
    assert "framesCount is 10" in found["upserted"][1]
    for key in ("late", "wrong"):
        assert "400" in found[key], found[key]
    assert "404" in found["gone"]


def test_what_is_drawn_in_our_editor_comes_out(bench: Bench, clip: str) -> None:
    made = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
api.video.annotation.append(v.id, annotation(meta), KeyIdMap())
answer([p.id, d.id, v.id])
""")  # fmt: skip
    with writing(bench) as session:
        uid = session.get_one(Item, made[2]).uid
    path = f"/api/v1/items/{uid}/document"
    document = bench.server.request("GET", path, None, bench.key)[1]
    corner = {"type": "rectangle", "box": [0.0, 0.0, 0.25, 0.5]}
    far = {"type": "rectangle", "box": [0.5, 0.5, 0.75, 1.0]}
    drawn = {"id": 9, "class": "car", "keyframes": [{"frame": 0, "shape": corner}, {"frame": 4, "shape": far}, {"frame": 5, "outside": True}],
             "attributes": {"speed": 2}}  # fmt: skip
    car = next(o for o in document["objects"] if o["class"] == "car")
    body = {"base": document["version"], "save_id": str(uuid.uuid4()), "put": [drawn, {**car, "attributes": {"side": "right"}}],
            "delete": [], "attributes": {}, "frames": {"3": {"speed": 1}, "4": {"speed": 1}}}  # fmt: skip
    status, answer = bench.server.request("PATCH", path, body, bench.key)
    assert status == 200, answer
    found = run(bench, """
meta = sly.ProjectMeta.from_json(api.project.get_meta(int(sys.argv[1])))
answer(plain(sly.VideoAnnotation.from_json(api.video.annotation.download(int(sys.argv[2])), meta, KeyIdMap())))
""", made[0], made[2])  # fmt: skip
    assert found["tags"] == ['["speed", 1, [3, 4]]']
    boxes = [f for f in found["frames"]["0"] if "car" in f]
    assert len(boxes) == 1
    assert '"exterior": [[0, 0], [15, 23]]' in boxes[0]
    assert len([f for f in found["frames"]["4"] if "car" in f]) == 1
    assert ["car", ['["speed", 2, null]']] in found["objects"]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_whole_project_of_videos_comes_back_equal(bench: Bench, clip: str, how: str) -> None:
    found = run(bench, """
how = sys.argv[1]
p, d, meta = place("whole " + how)
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
api.video.annotation.append(v.id, annotation(meta), KeyIdMap())
deep = api.dataset.create(p.id, "deep", parent_id=d.id)
api.video.upload_hash(deep.id, "bare.mp4", v.hash)
folder = str(Path("project_" + how).resolve())
if how == "sync":
    sly.download_video_project(api, p.id, folder)
else:
    sly.download_async(api, p.id, folder)
new, name = sly.upload_video_project(folder, api, WORKSPACE, project_name="copy " + how, log_progress=False)
out = {}
for key, project in (("old", p.id), ("new", new)):
    m = sly.ProjectMeta.from_json(api.project.get_meta(project))
    out[key] = {}
    for path, ds in api.dataset.tree(project):
        for video in api.video.get_list(ds.id):
            out[key]["/".join([*path, ds.name, video.name])] = [video.hash, plain(sly.VideoAnnotation.from_json(api.video.annotation.download(video.id), m, KeyIdMap()))]
answer(out)
""", how)  # fmt: skip
    assert len(found["old"]) == 2
    assert found["new"] == found["old"]


def test_bad_input_is_refused_and_leaves_nothing(bench: Bench, clip: str) -> None:
    made = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
api.video.annotation.append(v.id, annotation(meta), KeyIdMap())
answer([p.id, d.id, v.id, api.video.annotation.download(v.id)["objects"][0]["id"], v.hash, meta.get_tag_meta("speed").sly_id, meta.get_obj_class("car").sly_id])
""")  # fmt: skip
    project, dataset, video, thing, content, tag, car = made
    before = bench.ask("videos.annotations.bulk.info", {"datasetId": dataset, "videoIds": [video]})
    box = {"points": {"exterior": [[0, 0], [5, 5]], "interior": []}}
    figure = {"objectId": thing, "geometryType": "rectangle", "geometry": box, "meta": {"frame": 5}}
    bad = [
        ("videos.bulk.add", {"datasetId": dataset, "videos": [{"title": "clip.mp4", "hash": content}]}),
        ("videos.bulk.add", {"datasetId": dataset, "videos": [{"title": "a.mp4", "hash": content}, {"title": "b.mp4"}]}),
        ("videos.bulk.add", {"datasetId": dataset, "videos": [{"title": "a.mp4", "hash": "x"}]}),
        ("videos.bulk.add", {"datasetId": dataset, "videos": [{"title": "a.mp4", "link": "file:///etc/passwd"}]}),
        ("videos.bulk.add", {"datasetId": dataset, "videos": [{"title": "a.mp4", "hash": content, "meta": {"videoStreamIndex": 1}}]}),
        ("annotation-objects.bulk.add", {"datasetId": dataset, "annotationObjects": [{"classId": car, "entityId": video}, {"classId": 10**9, "entityId": video}]}),
        ("annotation-objects.bulk.add", {"datasetId": dataset, "annotationObjects": [{"classId": car}]}),
        ("figures.bulk.add", {"entityId": video, "figures": [{**figure, "meta": {"frame": 5}}, {**figure, "meta": {"frame": 50}}]}),
        ("figures.bulk.add", {"entityId": video, "figures": [{**figure, "geometry": {"points": {"exterior": [[0, 0], [500, 5]], "interior": []}}}]}),
        ("figures.bulk.add", {"entityId": video, "figures": [{**figure, "meta": {}}]}),
        ("videos.tags.bulk.add", {"videoId": video, "tags": [{"tagId": tag, "value": 1}, {"tagId": tag, "value": "fast"}]}),
        ("videos.tags.add", {"videoId": video, "tagId": tag, "value": 1, "frameRange": [5, 12]}),
        ("videos.tags.add", {"videoId": video, "tagId": tag, "value": 1, "frameRange": [5, 3]}),
        ("annotation-objects.tags.add", {"objectId": thing, "tagId": 10**9, "value": 1}),
        ("videos.download-frame", {"videoId": video, "frame": -1}),
        ("videos.bulk.download-frame", {"videoId": video, "frames": [1, 99]}),
        ("import-storage.internal.meta.list", {"hashes": ["A" * 43 + "="]}),
    ]  # fmt: skip
    for method, body in bad:
        status, answer = bench.call(method, body)
        assert (status, bool(answer["details"]["message"])) == (400, True), (method, body, answer)
    for method, body in (("videos.info", {"id": 10**9}), ("annotation-objects.tags.add", {"objectId": thing + 100, "tagId": tag, "value": 1}),
                         ("videos.tags.remove", {"id": 5}), ("figures.info", {"id": (1 << 62) + 5})):  # fmt: skip
        assert bench.call(method, body)[0] == 404, method
    assert bench.ask("videos.annotations.bulk.info", {"datasetId": dataset, "videoIds": [video]}) == before
    assert bench.ask("datasets.info", {"id": dataset})["itemsCount"] == 1
    assert project


def test_labels_of_a_video_that_come_at_once_are_all_kept(bench: Bench, clip: str) -> None:
    dataset, video, car, speed = run(bench, """
p, d, meta = place()
v = api.video.upload_path(d.id, "clip.mp4", "clip.mp4")
answer([d.id, v.id, meta.get_obj_class("car").sly_id, meta.get_tag_meta("speed").sly_id])
""")  # fmt: skip
    box = {"points": {"exterior": [[0, 0], [5, 5]], "interior": []}}

    def added(frame: int) -> tuple[int, int]:
        objects = [{"classId": car, "entityId": video}]
        (thing,) = bench.ask("annotation-objects.bulk.add", {"datasetId": dataset, "annotationObjects": objects})
        figure = {"objectId": thing["id"], "geometryType": "rectangle", "geometry": box, "meta": {"frame": frame}}
        bench.ask("figures.bulk.add", {"entityId": video, "figures": [figure]})
        tag = {"videoId": video, "tagId": speed, "value": frame, "frameRange": [frame, frame]}
        return thing["id"], bench.ask("videos.tags.add", tag)["id"]

    with ThreadPoolExecutor(5) as pool:
        ids = list(pool.map(added, range(10)))
    (found,) = bench.ask("videos.annotations.bulk.info", {"datasetId": dataset, "videoIds": [video]})
    assert [[f["objectId"] for f in frame["figures"]] for frame in found["frames"]] == [[thing] for thing, _ in ids]
    assert {tag["id"]: tag["value"] for tag in found["tags"]} == {tag: n for n, (_, tag) in enumerate(ids)}
