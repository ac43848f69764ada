"""The vendor's tutorial on labeling jobs, in its order, twice in a row against the same server."""

from __future__ import annotations

import json

from tests.vendors.supervisely.conftest import Bench

LEMONS = """
p = api.project.create(WORKSPACE, "Lemons (Test)")
d = api.dataset.create(p.id, "ds1")
names = json.loads(sys.argv[1])
api.image.upload_paths(d.id, [f"IMG_{n}.png" for n in range(len(names))], names)
me = api.user.get_my_info()
answer({"project": p.id, "user": me.id, "login": me.login})
"""

TUTORIAL = """
api = sly.Api.from_env()
TEAM_ID, PROJECT_ID, USER_ID, USER_LOGIN = sly.env.team_id(), sly.env.project_id(), sly.env.user_id(), sly.env.user_login()

def prepare_project(api, id):
    meta = sly.ProjectMeta.from_json(api.project.get_meta(id))
    for name, color in (("kiwi", [208, 2, 27]), ("lemon", [80, 227, 194])):
        if meta.get_obj_class(name) is None:
            meta = meta.add_obj_class(sly.ObjClass(name, sly.Bitmap, color))
    tags = (sly.TagMeta("origin", sly.TagValueType.ANY_STRING, applicable_to=sly.TagApplicableTo.OBJECTS_ONLY, applicable_classes=["kiwi", "lemon"], color=[1, 2, 3]),
            sly.TagMeta("size", sly.TagValueType.ONEOF_STRING, possible_values=["small", "medium", "large"],
                        applicable_to=sly.TagApplicableTo.OBJECTS_ONLY, applicable_classes=["kiwi", "lemon"], color=[4, 5, 6]))
    for tag in tags:
        if meta.get_tag_meta(tag.name) is None:
            meta = meta.add_tag_meta(tag)
    return api.project.update_meta(id, meta)

prepare_project(api=api, id=PROJECT_ID)

labelers = []
for number, password in (("1", "11111abc"), ("2", "22222abc")):
    labeler = api.user.get_info_by_login(login=f"labeler_{number}")
    if labeler is None:
        labeler = api.user.create(login=f"labeler_{number}", password=password, is_restricted=True)
    labelers.append(labeler)
labeler_1, labeler_2 = labelers
if api.user.get_team_role(labeler_1.id, TEAM_ID) is None:
    api.user.add_to_team(labeler_1.id, TEAM_ID, api.role.DefaultRole.ANNOTATOR)
if api.user.get_team_role(labeler_2.id, TEAM_ID) is None:
    api.user.add_to_team(labeler_2.id, TEAM_ID, api.role.DefaultRole.ANNOTATOR)

project_meta = sly.ProjectMeta.from_json(api.project.get_meta(PROJECT_ID))
project = api.project.get_info_by_id(PROJECT_ID)
datasets = api.dataset.get_list(project.id)

first = api.labeling_job.create(name="labeler1_lemons_task", dataset_id=datasets[0].id, user_ids=[labeler_1.id],
                                readme="annotation manual for fruits in markdown format here (optional)",
                                description="short description is here (optional)", classes_to_label=["lemon"])
after_first = api.labeling_job.get_list(TEAM_ID)
api.labeling_job.stop(first[0].id)

dataset_images_ids = [info.id for info in api.image.get_list(dataset_id=datasets[0].id)]
selected = dataset_images_ids[:len(dataset_images_ids) // 2]
second = api.labeling_job.create(name="labeler2_kiwi_task_with_complex_settings", dataset_id=datasets[0].id, user_ids=[labeler_2.id],
                                 readme="annotation manual for fruits in markdown format here (optional)",
                                 description="short description is here (optional)", classes_to_label=["kiwi"], objects_limit_per_image=10,
                                 tags_to_label=["size", "origin"], tags_limit_per_image=20, images_ids=selected)
everything = api.labeling_job.get_list(TEAM_ID)
user = api.user.get_info_by_login(USER_LOGIN)
mine = api.labeling_job.get_list(TEAM_ID, created_by_id=user.id)
narrow = api.labeling_job.get_list(TEAM_ID, created_by_id=user.id, assigned_to_id=labeler_2.id)
of_dataset = api.labeling_job.get_list(TEAM_ID, project_id=PROJECT_ID, dataset_id=datasets[0].id)
jobs = api.labeling_job.get_list(TEAM_ID)
statuses = [str(api.labeling_job.get_status(jobs[-2].id).value), str(api.labeling_job.get_status(jobs[-1].id).value)]
job_id = jobs[-1].id
api.labeling_job.set_status(id=job_id, status="completed")
completed = str(api.labeling_job.get_status(job_id).value)
api.labeling_job.set_status(id=job_id, status="on_review")
api.labeling_job.wait(job_id, target_status=api.labeling_job.Status.ON_REVIEW)
api.labeling_job.set_status(id=job_id, status="completed")
api.labeling_job.wait(job_id, target_status=api.labeling_job.Status.COMPLETED)
api.labeling_job.archive(jobs[0].id)
archived = [api.labeling_job.get_info_by_id(jobs[0].id).disabled, jobs[0].id in [j.id for j in api.labeling_job.get_list(TEAM_ID)]]
single = api.labeling_job.create(name="to remove", dataset_id=datasets[0].id, user_ids=[labeler_1.id, labeler_2.id])
api.labeling_job.remove(single[0].id)
api.labeling_job.remove_batch([single[1].id, second[0].id])
left = [j.id for j in api.labeling_job.get_list(TEAM_ID, show_disabled=True)]
api.labeling_job.remove_batch(left)
answer({"classes": [[c.name, c.geometry_type.__name__, c.color, c.sly_id] for c in project_meta.obj_classes],
        "tags": [[t.name, t.value_type, t.possible_values, t.applicable_to, t.applicable_classes] for t in project_meta.tag_metas],
        "labelers": [labeler_1.id, labeler_2.id], "images": dataset_images_ids, "count": datasets[0].images_count,
        "first": first[0]._asdict(), "second": second[0]._asdict(), "lists": [[j.name for j in found] for found in (after_first, everything, mine, narrow, of_dataset)],
        "statuses": statuses, "completed": completed, "archived": archived, "left": len(left),
        "end": len(api.labeling_job.get_list(TEAM_ID, show_disabled=True))})
"""


def test_the_tutorial_twice_in_a_row(bench: Bench) -> None:
    lemons = bench.script(LEMONS, json.dumps(bench.pictures(6, "lemon")))
    ids = {
        "TEAM_ID": str(bench.team),
        "PROJECT_ID": str(lemons["project"]),
        "USER_ID": str(lemons["user"]),
        "USER_LOGIN": lemons["login"],
    }
    one, two = bench.script(TUTORIAL, **ids), bench.script(TUTORIAL, **ids)
    for found in (one, two):
        assert [(name, shape, color) for name, shape, color, _ in found["classes"]] == [
            ("kiwi", "Bitmap", [208, 2, 27]), ("lemon", "Bitmap", [80, 227, 194]),
        ]  # fmt: skip
        assert found["tags"] == [
            ["origin", "any_string", None, "objectsOnly", ["kiwi", "lemon"]],
            ["size", "oneof_string", ["small", "medium", "large"], "objectsOnly", ["kiwi", "lemon"]],
        ]
        first, second = found["first"], found["second"]
        assert (first["name"], first["status"], first["images_count"]) == ("labeler1_lemons_task", "pending", 6)
        assert (first["classes_to_label"], first["tags_to_label"], first["dataset_name"]) == (["lemon"], [], "ds1")
        assert (first["assigned_to_login"], first["created_by_login"]) == ("labeler_1", lemons["login"])
        assert sorted(e["id"] for e in first["entities"]) == sorted(found["images"])
        assert {e["reviewStatus"] for e in first["entities"]} == {"none"}
        assert (second["classes_to_label"], second["tags_to_label"]) == (["kiwi"], ["size", "origin"])
        assert (second["objects_limit_per_image"], second["tags_limit_per_image"], second["images_count"]) == (
            10,
            20,
            3,
        )
        assert [e["id"] for e in second["entities"]] == found["images"][:3]
        names = ["labeler1_lemons_task", "labeler2_kiwi_task_with_complex_settings"]
        assert found["lists"] == [names[:1], names, names, names[1:], names]
        assert (found["statuses"], found["completed"], found["archived"]) == (
            ["stopped", "pending"],
            "completed",
            [True, False],
        )
        assert (found["left"], found["end"], found["count"]) == (1, 0, 6)
    assert [one[key] for key in ("classes", "labelers", "images")] == [
        two[key] for key in ("classes", "labelers", "images")
    ]
