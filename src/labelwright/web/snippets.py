"""What to copy into a script or notebook to get a dataset: for each client, a version in a format or the project as it is."""

from __future__ import annotations

from dataclasses import dataclass

from labelwright.formats import FORMATS
from labelwright.models.identity import Workspace
from labelwright.models.projects import Project
from labelwright.models.versions import DatasetVersion
from labelwright.web import clients
from labelwright.web.clients import Snippet

# What Roboflow's package calls our formats; others it has no name for.
ROBOFLOW_NAMES: dict[str, str] = {
    "yolo": "yolov8", "yolo-obb": "yolov8-obb", "coco-folders": "coco", "darknet": "darknet", "yolov4": "yolov4pytorch",
    "voc": "voc", "createml": "createml", "tensorflow-csv": "tensorflow", "retinanet-csv": "retinanet", "tfrecord": "tfrecord",
    "multiclass-csv": "multiclass", "folder": "folder", "clip": "clip", "semantic-masks": "png-mask-semantic", "jsonl": "jsonl",
    "paligemma": "paligemma", "florence2-od": "florence2-od", "openai": "openai",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a dataset is got from: the server's address, the project, a version of it (None: there is none), a format's key."""

    base: str
    project: Project
    workspace: Workspace
    version: DatasetVersion | None
    format: str

    @property
    def file(self) -> str:
        """What the downloaded file is called."""
        number = f"-v{self.version.number}" if self.version else ""
        return f"{self.project.slug}{number}-{self.format}{FORMATS[self.format].suffix}"


def of(place: Place) -> list[Snippet]:
    """The snippets there are for it."""
    found = [*_of_version(place)] if place.version is not None else []
    return [*found, _export(place), _cli(place), _supervisely(place), _playment(place)]


def _of_version(place: Place) -> list[Snippet]:
    version, project = place.version, place.project
    assert version is not None
    path = f"projects/{project.uid}/versions/{version.number}/exports"
    found = [
        Snippet(
            "shell", "Shell", f"Version {version.number} with curl: asks for the file, waits until it is written, fetches it.",
            _curl(place, path, f'{{"format": "{place.format}"}}'),
        ),
        Snippet("python", "Python", f"Version {version.number} with nothing but Python's own library.", _python(place, path)),
    ]  # fmt: skip
    name = ROBOFLOW_NAMES.get(place.format)
    if name is None:
        return found
    return [*found, Snippet(
        "roboflow", "Roboflow", f"Version {version.number} with the unmodified roboflow package, which calls this format {name}.",
        clients.roboflow(place.base, place.workspace, project)
        + f'dataset = project.version({version.number}).download("{name}", location="{project.slug}-{version.number}")\n'
        "print(dataset.location)\n",
    )]  # fmt: skip


def _curl(place: Place, path: str, body: str) -> str:
    return (
        f"KEY=YOUR_KEY API={place.base}/api/v1\n"
        f'TASK=$(curl -sSf -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        f"  -d '{body}' $API/{path} | grep -o '\"uid\":\"[^\"]*' | head -1 | cut -d '\"' -f 4)\n"
        'curl -sSfN -H "Authorization: Bearer $KEY" $API/background-tasks/$TASK/stream > /dev/null\n'
        f'curl -sSf -H "Authorization: Bearer $KEY" -o {place.file} $API/exports/$TASK/file\n'
    )


def _python(place: Place, path: str) -> str:
    return (
        "import json, shutil, time\n"
        "from urllib.request import Request, urlopen\n\n"
        f'API = "{place.base}/api/v1"\n'
        'HEADERS = {"Authorization": "Bearer YOUR_KEY", "Content-Type": "application/json"}\n\n'
        f'body = json.dumps({{"format": "{place.format}"}}).encode()\n'
        f'task = json.load(urlopen(Request(API + "/{path}", body, HEADERS)))\n'
        'while task["state"] in ("queued", "running"):\n'
        "    time.sleep(1)\n"
        '    task = json.load(urlopen(Request(API + "/background-tasks/" + task["uid"], headers=HEADERS)))\n'
        'assert task["state"] == "done", task["error"]\n'
        f'with urlopen(Request(API + "/exports/" + task["uid"] + "/file", headers=HEADERS)) as file, open("{place.file}", "wb") as out:\n'
        "    shutil.copyfileobj(file, out)\n"
        f'print("{place.file}")\n'
    )


def _export(place: Place) -> Snippet:
    now = Place(place.base, place.project, place.workspace, None, place.format)
    body = f'{{"format": "{place.format}", "pictures": true}}'
    return Snippet(
        "export", "The project as it is", "All items with their present labels, whatever is in the dataset, with curl.",
        _curl(now, f"projects/{place.project.uid}/exports", body),
    )  # fmt: skip


def _cli(place: Place) -> Snippet:
    name = f"{place.project.slug}-{place.format}{FORMATS[place.format].suffix}"
    return Snippet(
        "cli", "On the server", "The same with the command line of the machine that Labelwright runs on.",
        f"labelwright export --project {place.project.uid} --format {place.format} --pictures --out {name}\n",
    )  # fmt: skip


def _supervisely(place: Place) -> Snippet:
    call = "download_video_project" if place.project.kind == "video" else "download_project"
    return Snippet(
        "supervisely", "Supervisely",
        "The project as it is, in Supervisely's own layout, with the unmodified supervisely package.",
        clients.supervisely(place.base)
        + f'sly.{call}(sly.Api.from_env(), {place.project.id}, "{place.project.slug}")\n',
    )  # fmt: skip


def _playment(place: Place) -> Snippet:
    return Snippet(
        "playment", "Playment / GT Studio", "The result of each finished job, in Playment's own layout, with the unmodified playment package.",
        "from urllib.parse import quote\n"
        "from urllib.request import Request, urlopen\n\n"
        + clients.playment(place.base)
        + f'project = "{place.project.uid}"\n\n'
        "for batch in client.get_project_batches_summary(project).batches:\n"
        "    token = None\n"
        '    while token != "":\n'
        "        page = client.get_batch_summary(batch.id, project, token)\n"
        "        token = page.next_page_token\n"
        '        for job in [job for job in page.jobs if job.status == "completed"]:\n'
        "            result = client.get_job_result(project, job.id).result\n"
        '            address = SERVER + "/v1/attachments?url=" + quote(result, safe="")\n'
        '            with urlopen(Request(address, headers={"x-api-key": "YOUR_KEY"})) as file, open(job.id + ".json", "wb") as out:\n'
        "                out.write(file.read())\n",
    )  # fmt: skip
