"""What goes wrong, as the package and its command line show it: each of their paths reads errors in its own way."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from labelwright.vendors.roboflow.routes import ROWS
from tests.support.processes import ROOT
from tests.vendors.roboflow.conftest import Bench

# Words upon which the command line tells its user to buy a plan.
PLANS = ("require", "growth plan", "enterprise", "folder billing", "unauthorized", "over_quota")

# How a path of the package shows an error: our message alone, our JSON as it is, or our error object.
MESSAGE, RAW, OBJECT = "message", "raw", "object"
CALLS: dict[str, tuple[str, str, str]] = {
    "image upload": ("rfapi.upload_image(key, slug, 'broken.png')", MESSAGE, "not"),
    "image upload by address": ("rfapi.upload_image(key, slug, 'http://10.0.0.1/a.png', hosted_image=True)", MESSAGE,
                                "Could not fetch image URL"),
    "annotate": ("rfapi.save_annotation(key, slug, 'a.txt', 'hello', image)", MESSAGE, "line 1"),
    "annotate a stranger": ("rfapi.save_annotation(key, slug, 'a.txt', '0 1 1 1 1', 'nosuch')", MESSAGE, "no image 'nosuch'"),
    "job": ("p.get_annotation_job_admin('nosuch')", MESSAGE, "no annotation job"),
    "established job": ("p.get_annotation_job('nosuch')", MESSAGE, "no annotation job"),
    "new job": ("p.create_annotation_job(batch_id='nosuch', labeler_email='a@b', reviewer_email='a@b')", MESSAGE, "no batch"),
    "batch, low level": ("rfapi.get_batch(key, ws.url, slug, 'nosuch')", MESSAGE, "no batch"),
    "batch": ("p.get_batch('nosuch')", OBJECT, "no batch"),
    "workspace": ("rfapi.get_workspace(key, 'nosuch')", RAW, "no such workspace"),
    "project": ("ws.project('nosuch')", RAW, "no project"),
    "health": ("rfapi.get_project_health(key, ws.url, 'nosuch')", RAW, "no project"),
    "version": ("rfapi.get_version(key, ws.url, slug, '9')", RAW, "no version 9"),
    "export": ("rfapi.get_version_export(key, ws.url, slug, '9', 'coco')", RAW, "no version 9"),
    "workspace search": ("ws.search('colour:red')", RAW, "'colour'"),
    "search export": ("ws.search_export('tag:nosuch')", RAW, "no image"),
    "project search": ("p.search(prompt='cat')", MESSAGE, "model"),
    "image": ("p.image('nosuch')", OBJECT, "no image 'nosuch'"),
    "deletion": ("p.delete_images(['nosuch'])", OBJECT, "no image 'nosuch'"),
    "metadata": ("ws.update_image_metadata('nosuch', metadata={'a': 1})", RAW, "no image 'nosuch'"),
    "generate": ("p.generate_version({'preprocessing': {'x': 1}, 'augmentation': {}})", OBJECT, "'x'"),
    "task": ("ws.get_async_task('nosuch')", RAW, "no such task"),
    "folder": ("ws.add_projects_to_folder('nosuch', [slug])", RAW, "no folder"),
    "trash": ("ws.restore_from_trash('project', 'nosuch')", OBJECT, "in the trash"),
    "zip": ("rfapi.init_zip_upload(key, ws.url, slug, split='half')", RAW, "'half'"),
    "zip status": ("rfapi.get_zip_upload_status(key, ws.url, 'nosuch')", RAW, "no such upload"),
    "statistics": ("rfapi.get_labeling_stats(key, ws.url, start_date='yesterday')", RAW, "startDate"),
    "training": ("rfapi.start_version_training(key, ws.url, slug, '1')", RAW, "no models"),
    "models": ("rfapi.list_project_models(key, ws.url, slug)", RAW, "no models"),
    "automatic labels": ("ws.autolabel_models()", MESSAGE, "no models"),
    "evaluations": ("ws.evals()", RAW, "no models"),
    "workflows": ("ws.list_workflows()", RAW, "not served"),
    "devices": ("ws.devices()", MESSAGE, "not served"),
    "vision events": ("ws.write_vision_event({'eventId': 'a', 'eventType': 'custom', 'useCaseId': 'b', 'timestamp': '2026-01-01T00:00:00Z'})", RAW,
                      "not served"),
    "usage": ("ws.get_usage()", RAW, "not served"),
    "plan": ("ws.get_plan()", RAW, "not served"),
    "universe": ("rfapi.search_universe('cats', api_key=key)", RAW, "not served"),
    "fork": ("ws.fork_project(source_project_slug='b')", RAW, "not served"),
    "video": ("p.upload_video('film.mp4')", RAW, "hold images"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shown(bench: Bench) -> dict[str, str]:
    """What each path says."""
    (bench.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n then nothing")
    (bench.folder / "film.mp4").write_bytes(b"\0" * 64)
    return bench.script("""
p = ws.create_project("Errors", "object-detection", "", "x")
slug, key = p.id.split("/")[1], os.environ["ROBOFLOW_API_KEY"]
image = p.single_upload(image_path=sys.argv[2])["image"]["id"]
print(json.dumps({name: refused(eval, code, globals()) for name, code in json.loads(sys.argv[1]).items()}))
""", json.dumps({name: code for name, (code, _, _) in CALLS.items()}), bench.pictures(1, "errors")[0])  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_each_path_shows_our_sentence(shown: dict[str, str], name: str) -> None:
    _, form, words = CALLS[name]
    text = shown[name]
    assert words in text, text
    if form == RAW:
        body = json.loads(text[text.index("{") :])
        assert set(body["error"]) >= {"message", "type", "hint"}
        assert words in body["error"]["message"]
    elif form == OBJECT:
        assert "'message'" in text or '"message"' in text
    else:
        assert "{" not in text, "the sentence alone"


def test_a_project_that_cannot_be_made(bench: Bench) -> None:
    """The package puts its own address, with the key in it, into this error: nothing of ours can change that."""
    text = bench.script("print(json.dumps(refused(ws.create_project, 'x', 'sculpture', '', 'x')))")
    assert "400" in text
    status, body = bench.call("POST", f"/{bench.workspace}/projects", {"name": "x", "type": "sculpture"})
    assert (status, "sculpture" in body["error"]["message"]) == (400, True)


def test_exit_codes_of_the_command_line(bench: Bench) -> None:
    _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": "Codes", "type": "object-detection"})
    place = made["id"]
    wrong = ("--api-key", "nosuchkey1")
    outputs = [
        bench.cli("annotation", "job", "get", "nosuch", "-p", place, code=3),
        bench.cli(*wrong, "annotation", "job", "list", "-p", place, code=2),
        bench.cli("annotation", "job", "admin-create", "-p", place, "--batch", "nosuch", "--labeler", "a@b",
                  "--reviewer", "a@b", code=3),
        bench.cli("annotation", "batch", "merge", "--source-batch-id", "nosuch", "--target-batch-id", "nosuch", "-p", place, "-y", code=3),
        bench.cli("project", "get", f"{bench.workspace}/nosuch", code=3),
        bench.cli("version", "list", "-p", f"{bench.workspace}/nosuch", code=3),
        bench.cli("autolabel", "models", code=1),
        bench.cli("search", "colour:red", code=1),
    ]  # fmt: skip
    for text in outputs:
        assert "Error" in text, text
        assert "Traceback" not in text, text
        assert not re.search(r"upgrade|pricing|plan tiers|sales@", text), text
        assert bench.server.api_key not in text, text


def test_no_answer_makes_the_command_line_sell_plans() -> None:
    """Of all texts in this folder; what users name their things is theirs."""
    for file in (ROOT / "src/labelwright/vendors/roboflow").glob("*.py"):
        for text in re.findall(r'(?:Refused\(\s*\d+,|Conflict\(|NotFound\(|Invalid\()\s*f?"([^"]+)"', file.read_text()):
            assert not any(word in text.lower() for word in PLANS), (file.name, text)


def test_every_address_says_who_it_does_not_know(bench: Bench) -> None:
    """Without a key and with a wrong one each address is answered 401 in the envelope, before anything else is looked at."""
    names = {"ws": bench.workspace, "proj": "p", "version:int": "1", "format": "coco", "rest:path": "x"}
    for row in ROWS:
        if row.find_actor.__name__ == "nobody":
            continue
        path = re.sub(r"{([^}]+)}", lambda found: names.get(found[1], "x"), row.path)
        status, body = answer(bench, row.method, path)
        assert (status, body["error"]["type"]) == (401, "AuthenticationError"), (row.method, path)


def answer(bench: Bench, method: str, path: str) -> tuple[int, Any]:
    return bench.server.request(method, f"/roboflow{path}?api_key=nosuchkey1", {} if method != "GET" else None)


def test_slugs_never_shadow_addresses(bench: Bench) -> None:
    """Projects named as every word that stands in an address where a slug could."""
    words = {part for row in ROWS for part in row.path.strip("/").split("/")[:3] if part and "{" not in part}
    for word in sorted(words):
        _, made = bench.call("POST", f"/{bench.workspace}/projects", {"name": word, "type": "object-detection"})
        slug = made["id"].split("/")[1]
        for path in ("", "/jobs"):
            status, body = bench.get(f"/{bench.workspace}/{slug}{path}")
            assert status == 200, (slug, path, body)
