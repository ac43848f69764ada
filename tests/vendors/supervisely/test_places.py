"""Projects, nested datasets and meta through the real package: everything comes back equal, ids stay."""

from __future__ import annotations

from tests.vendors.supervisely.conftest import Bench

META = """
def full_meta():
    from supervisely.geometry.graph import KeypointsTemplate
    template = KeypointsTemplate()
    template.add_point(label="nose", row=10, col=20)
    template.add_point(label="tail", row=30, col=80)
    template.add_point(label="paw", row=60, col=50)
    template.add_edge(src="nose", dst="tail")
    template.add_edge(src="tail", dst="paw")
    shapes = {"box": sly.Rectangle, "area": sly.Polygon, "line": sly.Polyline, "dot": sly.Point, "mask": sly.Bitmap,
              "soft": sly.AlphaMask, "parts": sly.MultiPolygon if hasattr(sly, "MultiPolygon") else None, "any": sly.AnyGeometry}
    from supervisely.geometry.multipolygon import Multipolygon
    from supervisely.geometry.oriented_bbox import OrientedBBox
    from supervisely.geometry.cuboid import Cuboid
    shapes |= {"parts": Multipolygon, "turned": OrientedBBox, "cube": Cuboid}
    classes = [sly.ObjClass(name, shape, color=[7 * n, 40, 200], hotkey=str(n)) for n, (name, shape) in enumerate(shapes.items())]
    classes.append(sly.ObjClass("pose", sly.GraphNodes, geometry_config=template, color=[1, 2, 3]))
    T = sly.TagValueType
    tags = [sly.TagMeta("seen", T.NONE), sly.TagMeta("count", T.ANY_NUMBER, applicable_to="imagesOnly"),
            sly.TagMeta("note", T.ANY_STRING, applicable_to="objectsOnly", applicable_classes=["box", "area"]),
            sly.TagMeta("weather", T.ONEOF_STRING, possible_values=["sun", "rain", "fog"], color=[9, 8, 7], hotkey="W"),
            sly.TagMeta("day", T.DATE)]
    return sly.ProjectMeta(sly.ObjClassCollection(classes), sly.TagMetaCollection(tags))
"""


def test_projects(bench: Bench) -> None:
    found = bench.script("""
p = api.project.create(WORKSPACE, "fruits", sly.ProjectType.IMAGES, description="Sweet", readme="# Fruits",
                       custom_data={"a": 1}, settings={"groupImages": False})
twin = api.project.create(WORKSPACE, "fruits", change_name_if_conflict=True)
api.project.update(p.id, name="lemons", description="Sour")
api.project.update_custom_data(p.id, {"b": [2]})
again = api.project.get_info_by_name(WORKSPACE, "lemons")
out = {"id": p.id, "same": again.id, "twin": twin.name, "info": api.project.get_info_by_id(p.id)._asdict(),
       "custom": api.project.get_custom_data(p.id), "settings": api.project.get_settings(p.id),
       "names": [x.name for x in api.project.get_list(WORKSPACE)], "team": [x.id for x in api.project.get_list(team_id=TEAM)],
       "taken": refused(api.project.create, WORKSPACE, "lemons"), "clouds": refused(api.project.create, WORKSPACE, "c", sly.ProjectType.POINT_CLOUDS)}
api.project.remove(twin.id)
out["gone"] = api.project.get_info_by_id(twin.id)
api.project.remove_permanently(twin.id)
out["all"] = [x.id for x in api.project.get_list_all()["entities"]]
answer(out)
""")
    assert found["same"] == found["id"]
    assert found["twin"] != "fruits"
    assert found["info"]["readme"] == "# Fruits"
    assert (found["info"]["description"], found["info"]["type"], found["info"]["datasets_count"]) == (
        "Sour",
        "images",
        0,
    )
    assert found["custom"] == {"b": [2]}
    assert found["settings"]["groupImages"] is False
    assert "already" in found["taken"]
    assert "images or videos" in found["clouds"]
    assert found["gone"] is None
    assert found["id"] in found["all"]


def test_nested_datasets(bench: Bench) -> None:
    found = bench.script("""
p = api.project.create(WORKSPACE, "tree", change_name_if_conflict=True)
top = api.dataset.create(p.id, "top", description="The first", custom_data={"k": 1})
inner = api.dataset.create(p.id, "inner", parent_id=top.id)
deep = api.dataset.create(p.id, "deep", parent_id=inner.id)
same = api.dataset.create(p.id, "inner")
out = {"empty": [d.name for d in api.dataset.get_list(p.id)], "all": [d.name for d in api.dataset.get_list(p.id, recursive=True)]}
out["children"] = [d.id for d in api.dataset.get_list(p.id, parent_id=top.id)] == [inner.id]
out["tree"] = [(list(parents), d.name) for parents, d in api.dataset.tree(p.id)]
out["named"] = api.dataset.get_info_by_name(p.id, "inner", parent_id=top.id).id == inner.id
out["top_named"] = api.dataset.get_info_by_name(p.id, "inner").id == same.id
out["taken"] = refused(api.dataset.create, p.id, "top")
out["renamed"] = api.dataset.create(p.id, "top", change_name_if_conflict=True).name
api.dataset.update(same.id, name="other", description="Moved")
api.dataset.move_to_dataset(same.id, top.id)
out["moved"] = api.dataset.get_info_by_id(same.id).parent_id == top.id
out["loop"] = refused(api.dataset.move_to_dataset, top.id, deep.id)
out["custom"] = api.dataset.get_info_by_id(top.id).custom_data
out["count"] = api.project.get_info_by_id(p.id).datasets_count
api.dataset.remove(inner.id)
out["left"] = sorted(d.name for d in api.dataset.get_list(p.id, recursive=True))
api.dataset.remove_permanently(inner.id)
out["default"] = api.dataset.create(p.id, "Default batch").name
out["missing"] = api.dataset.get_info_by_id(inner.id)
answer(out)
""")
    assert found["empty"] == ["top", "inner"], "a project's default batch is no dataset while it is empty"
    assert sorted(found["all"]) == ["deep", "inner", "inner", "top"]
    assert found["tree"] == [[[], "top"], [["top"], "inner"], [["top", "inner"], "deep"], [[], "inner"]]
    for key in ("children", "named", "top_named", "moved"):
        assert found[key], key
    assert "already" in found["taken"]
    assert found["renamed"] == "top_001"
    assert "itself" in found["loop"]
    assert found["custom"] == {"k": 1}
    assert found["left"] == ["other", "top", "top_001"]
    assert found["default"] == "Default batch"
    assert found["missing"] is None


def test_meta_comes_back_equal_with_stable_ids(bench: Bench) -> None:
    found = bench.script(
        META
        + """
p = api.project.create(WORKSPACE, "meta", change_name_if_conflict=True)
meta = full_meta()
first = api.project.update_meta(p.id, meta)
read = sly.ProjectMeta.from_json(api.project.get_meta(p.id, with_settings=True))
second = api.project.update_meta(p.id, read)
ids = lambda m: {c.name: c.sly_id for c in m.obj_classes} | {"#" + t.name: t.sly_id for t in m.tag_metas}
out = {"equal": read == meta and second == meta, "stable": ids(first) == ids(read) == ids(second)}
out["null"] = [k for k, v in ids(read).items() if v is None]
out["json"] = [c.to_json() == {**read.get_obj_class(c.name).to_json(), "id": None} | {} for c in meta.obj_classes]
out["config"] = read.get_obj_class("pose").geometry_config == meta.get_obj_class("pose").geometry_config
out["colors"] = [read.get_obj_class(c.name).color == c.color and read.get_obj_class(c.name).hotkey == c.hotkey for c in meta.obj_classes]
out["tags"] = [(t.name, t.applicable_to, t.applicable_classes, t.hotkey) for t in read.tag_metas]
renamed = read.clone(obj_classes=sly.ObjClassCollection([c.clone(name="crate") if c.name == "box" else c for c in read.obj_classes if c.name != "dot"]),
                     tag_metas=sly.TagMetaCollection([t for t in read.tag_metas if t.name != "seen"]))
T = sly.TagValueType
third = api.project.update_meta(p.id, renamed)
out["renamed"] = third.get_obj_class("crate").sly_id == ids(first)["box"]
out["gone"] = third.get_obj_class("dot") is None and third.get_tag_meta("seen") is None
out["others"] = ids(third)["#weather"] == ids(first)["#weather"]
out["note"] = third.get_tag_meta("note").applicable_classes
out["project"] = p.id
O, G = api.object_class, api.image.tag
box = ids(first)["box"]
changed = O.update(box, name="chest", description="Wooden", color="#0A0B0C", hotkey="q")
out["edited"] = [changed.id == box, changed.name, changed.description, changed.color, O.get_info_by_id(box).name]
anything = O.update(ids(first)["any"], shape="any", settings={"availableShapes": ["bitmap", "polygon"]})
out["shapes"] = [anything.shape, anything.settings, O.get_info_by_id(10**9)]
made = G.create_bulk(p.id, [sly.TagMeta("speed", T.ANY_NUMBER, applicable_to="objectsOnly", applicable_classes=["chest"], hotkey="S", default_value=3),
                            sly.TagMeta("kind", T.ONEOF_STRING, possible_values=["z", "a"], color=[1, 2, 3])])
out["made"] = [entry["title"] for entry in made]
out["twice"] = refused(G.create, p.id, sly.TagMeta("speed", T.NONE))
G.update_meta(made[0]["id"], p.id, applicable_classes=["chest", "area"], name="pace")
G.update_meta(made[1]["id"], p.id, color="#102030", hotkey="K")
api.project.remove_class(p.id, ids(first)["line"])
api.project.remove_tag(p.id, ids(first)["#day"])
last = sly.ProjectMeta.from_json(api.project.get_meta(p.id))
pace, kind = last.get_tag_meta("pace"), last.get_tag_meta("kind")
out["last"] = [pace.sly_id == made[0]["id"], sorted(pace.applicable_classes), pace.hotkey, pace.default_value, pace.value_type,
               kind.possible_values, kind.color, kind.hotkey, last.get_obj_class("line") is None, last.get_tag_meta("day") is None,
               last.get_obj_class("any").geometry_type is sly.AnyGeometry]
out["unknown"] = [refused(api.project.remove_class, p.id, 10**9), refused(api.project.remove_tag, p.id, 10**9), refused(G.update_meta, 10**9, name="x", color="#000000")]
answer(out)
"""
    )
    assert found["edited"] == [True, "chest", "Wooden", "#0A0B0C", "chest"]
    assert found["shapes"] == ["any", {"availableShapes": ["bitmap", "polygon"]}, None]
    assert found["made"] == ["speed", "kind"]
    assert "already" in found["twice"]
    assert found["last"] == [
        True,
        ["area", "chest"],
        "S",
        3,
        "any_number",
        ["z", "a"],
        [16, 32, 48],
        "K",
        True,
        True,
        True,
    ]
    assert all("404" in sentence for sentence in found["unknown"])
    for key in ("equal", "stable", "config", "renamed", "gone", "others"):
        assert found[key], key
    assert found["null"] == []
    assert all(found["colors"])
    tags = {name: rest for name, *rest in found["tags"]}
    assert tags["count"] == ["imagesOnly", [], ""]
    assert tags["note"] == ["objectsOnly", ["box", "area"], ""]
    assert tags["weather"] == ["all", [], "W"]
    assert sorted(found["note"]) == ["area", "crate"]
    answer = bench.ask("tags.list", {"projectId": found["project"], "filter": []})
    assert {"id", "projectId", "name", "settings", "color", "createdAt", "updatedAt"} <= set(answer["entities"][0])
    pages = bench.server.request("GET", "/api/v1/projects")[1]
    assert "meta" in str(pages), pages


def test_bad_meta_changes_nothing(bench: Bench) -> None:
    made = bench.ask("projects.add", {"name": "bad meta", "workspaceId": bench.workspace, "type": "images"})
    good = {"classes": [{"title": "cat", "shape": "rectangle", "color": "#112233"}], "tags": []}
    before = bench.ask("projects.meta.update", {"id": made["id"], "meta": good})
    bad = [
        {"classes": [{"title": "cat", "shape": "blob", "color": "#112233"}], "tags": []},
        {"classes": [{"title": "", "shape": "point", "color": "#112233"}], "tags": []},
        {"classes": [{"title": "cat", "shape": "point", "color": "red"}], "tags": []},
        {"classes": [good["classes"][0], {**good["classes"][0], "shape": "point"}], "tags": []},
        {"classes": [{"title": "g", "shape": "graph", "color": "#112233", "geometry_config": {}}], "tags": []},
        {"classes": [], "tags": [{"name": "t", "value_type": "oneof_string", "values": []}]},
        {"classes": [], "tags": [{"name": "t", "value_type": "what"}]},
        {"classes": [], "tags": [{"name": "t", "value_type": "none", "classes": ["dog"]}]},
        {"tags": []},
    ]
    for meta in bad:
        status, answer = bench.call("projects.meta.update", {"id": made["id"], "meta": meta})
        assert status == 400, (meta, answer)
    assert bench.ask("projects.meta", {"id": made["id"]}) == before
