"""Dataset versions and their exports: generate, detail, download in each format there is, delete."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.services import versions
from labelwright.vendors.roboflow import projects, releases, wire
from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.wire import Refused

# What clients ask for -> which of our formats it is. `video-coco` and whatever is not here has no layout that is known in public.
FORMATS: dict[str, str] = {
    "coco": "coco-folders", "coco-segmentation": "coco-folders",
    **dict.fromkeys(("yolov5pytorch", "yolov5", "yolov7pytorch", "yolov7", "yolov8", "yolov9", "yolov10", "yolov11", "yolov12",
                     "yolo26", "mt-yolov6"), "yolo"),
    **dict.fromkeys(("yolov5-obb", "yolo5-obb", "yolov8-obb", "yolov11-obb"), "yolo-obb"),
    "darknet": "darknet", "yolov4pytorch": "yolov4", "yolokeras": "yolov4", "voc": "voc", "createml": "createml",
    "tensorflow": "tensorflow-csv", "retinanet": "retinanet-csv", "tfrecord": "tfrecord", "multiclass": "multiclass-csv",
    "folder": "folder", "clip": "clip", "png-mask-semantic": "semantic-masks", "jsonl": "jsonl", "paligemma": "paligemma",
    "florence2-od": "florence2-od", "openai": "openai",
}  # fmt: skip


def generate(ask: Ask) -> dict[str, Any]:
    """Freeze the dataset as the next version."""
    project = ask.project("manage")
    name = wire.text(ask.body, "versionName", "name", most=200)
    settings = {key: ask.body.get(key) or {} for key in ("preprocessing", "augmentation")}
    made = versions.freeze(ask.session, ask.actor, project, settings, name)
    return {"version": str(made.number), "message": "Generated", "progress": 1}


def detail(ask: Ask) -> dict[str, Any]:
    """One version, beside its project and workspace."""
    home, project, version = ask.workspace(), ask.project(), _version(ask)
    exports = versions.exports_of(ask.session, [version])[version.id]
    return {
        "workspace": {"name": home.name, "url": home.slug},
        "project": projects.described(ask.session, home, project),
        "version": releases.described(home, project, version, exports),
    }


def _version(ask: Ask) -> DatasetVersion:
    return versions.numbered(ask.session, ask.project(), int(ask.params["version"]))


def delete(ask: Ask) -> dict[str, Any]:
    """Put a version into the trash."""
    ask.project("manage")
    version = _version(ask)
    versions.set_deleted(ask.session, version, deleted=True)
    return {"deleted": True, "type": "version", "trash": True, "id": str(version.number)}


def export(ask: Ask) -> Response:
    """The address of a version in a format; 202 while it is being written, which the first request begins."""
    project, version, name = ask.project(), _version(ask), ask.params["format"]
    if name not in FORMATS:
        raise Refused(400, f"{name!r} is not written here; choose of {', '.join(FORMATS)}.")
    about = {"roboflow": _about(ask, project, version)}
    row = versions.export(ask.session, ask.actor, project, version, name, FORMATS[name], about)
    if row.state != "done" or not row.result:
        share = round(row.done / row.total, 3) if row.total else 0
        return wire.answer({"progress": share, "version": {"number": version.number}}, 202)
    link = ask.call.base_url + ask.context.links.sign(row.result["key"], "application/zip", 3600)
    body = {"link": link, "format": name, "size": row.result["size"] / 1_000_000}
    home = ask.workspace()
    return wire.answer({
        "export": body,
        "version": releases.described(home, project, version, {name: row}),
        "project": _brief(project), "workspace": {"name": home.name, "url": home.slug},
    })  # fmt: skip


def _about(ask: Ask, project: Project, version: DatasetVersion) -> dict[str, Any]:
    """What `data.yaml` says of where the data is from."""
    return {
        "workspace": ask.workspace().slug, "project": project.slug, "version": version.number,
        "license": projects.settings_of(ask.session, project)["license"] or "Private",
        "url": f"{ask.call.base_url}/projects/{project.uid}",
    }  # fmt: skip


def _brief(project: Project) -> dict[str, str]:
    return {"id": project.slug, "name": project.name}
