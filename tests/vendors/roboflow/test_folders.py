"""Folders of projects through the real package and command line."""

from __future__ import annotations

from tests.vendors.roboflow.conftest import Bench


def test_folders_from_making_to_deleting(bench: Bench) -> None:
    found = bench.script("""
a, b = (ws.create_project(name, "object-detection", "", "x") for name in ("Night", "Day"))
top = ws.create_folder("Streets & roads", project_ids=[a.id])
inner = ws.create_folder("Inner", parent_id=top["id"])
ws.add_projects_to_folder(inner["id"], [a.id.split("/")[1], b.id])
steps = [{f["name"]: [p["name"] for p in f["projects"]] for f in ws.list_folders()["data"]}]
absent = refused(ws.remove_projects_from_folder, top["id"], [a.id])
ws.remove_projects_from_folder(inner["id"], [b.id])
steps.append({f["name"]: [p["name"] for p in f["projects"]] for f in ws.list_folders()["data"]})
nameless = refused(ws.create_folder, " ")
stranger = refused(ws.add_projects_to_folder, top["id"], ["nosuch"])
print(json.dumps({"top": top, "inner": inner, "steps": steps, "absent": absent, "nameless": nameless, "stranger": stranger}))
""")
    top, inner = found["top"], found["inner"]
    assert top["name"] == "Streets & roads"
    assert [p["name"] for p in top["projects"]] == ["Night"]
    assert inner["parent_id"] == top["id"]
    assert found["steps"] == [
        {"Streets & roads": [], "Inner": ["Night", "Day"]},
        {"Streets & roads": [], "Inner": ["Night"]},
    ]
    assert "not in the folder" in found["absent"]
    assert "1 to 200" in found["nameless"]
    assert "nosuch" in found["stranger"]

    assert "Inner" in bench.cli("folder", "list")
    assert "Night" in bench.cli("folder", "get", inner["id"])
    bench.cli("folder", "update", inner["id"], "--name", "Deeper")
    bench.cli("folder", "add-projects", inner["id"], "day")
    assert "Deeper" in bench.cli("folder", "list")
    bench.cli("folder", "remove-projects", inner["id"], "day")
    bench.cli("folder", "delete", top["id"])
    status, left = bench.get(f"/{bench.workspace}/groups")
    assert status == 200
    assert [(f["name"], f["parent_id"]) for f in left["data"]] == [("Deeper", None)]
    assert bench.get(f"/{bench.workspace}/groups?groupId={top['id']}")[0] == 404
    bench.cli("folder", "create", "From the shell", "--projects", "night,day")
    folders = {f["name"]: len(f["projects"]) for f in bench.get(f"/{bench.workspace}/groups")[1]["data"]}
    assert folders == {"Deeper": 0, "From the shell": 2}
