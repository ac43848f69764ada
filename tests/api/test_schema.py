"""Schemathesis reads the API's description and holds the live application against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from labelwright import asgi
from labelwright import settings as configuration
from labelwright.services import workspaces
from tests.support.serving import served

EXAMPLES = 100 if os.environ.get("LABELWRIGHT_NIGHTLY") == "1" else 4
# A stream without an end, and what would take the test's own key or team away from it.
LEFT_OUT = {"stream_events", "stream_background_task"}
# Reports what is wrong with a line in an answer of its own.
TOLERANT = {"import_tasks"}
KEEP = {"revoke_key", "remove_member", "change_member", "delete_project"}


@schemathesis.serializer("application/x-ndjson")
def _line(_context: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@dataclass
class Live:
    """A served application: its description, and one of each thing in it by `resource.parameter`."""

    url: str
    session: requests.Session
    key: dict[str, str]
    schema: Any = None
    things: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: Any) -> Any:
        answer = self.session.post(f"{self.url}/api/v1{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def live(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "x.sqlite3").write_bytes(sqlite_template.read_bytes())
    chosen = configuration.load({}, data=folder, database_url=f"sqlite:///{folder / 'x.sqlite3'}", workers=0)
    app = asgi.create_app(chosen)
    with app.state.context.database.write() as session:
        made = workspaces.first_set_up(session, "olga@example.org")
        team, user = str(made.team.uid), str(made.user.uid)
        workspace, key = str(made.workspace.uid), made.api_key
    client = requests.Session()
    headers = {"authorization": f"Bearer {key}"}
    client.headers.update(headers)
    with served(app) as url:
        found = Live(url, client, headers)
        found.schema = schemathesis.openapi.from_dict(client.get(f"{url}/api/v1/openapi.json").json())
        found.things = {"teams.uid": team, "teams.user": user, "workspaces.ref": workspace, **_things(found)}
        yield found
        client.close()


def _things(live: Live) -> dict[str, str]:
    project = live.post("/projects", {"name": "P", "classes": [{"name": "car"}]})["uid"]
    shape = {"type": "rectangle", "box": [0.1, 0.1, 0.4, 0.5]}
    objects = [{"id": 1, "class": "car", "shape": shape}]
    filed = live.post(f"/projects/{project}/items", {"url": "https://example.org/a.jpg", "objects": objects})
    batch = live.post(f"/projects/{project}/batches", {"name": "June"})["uid"]
    job = live.post(f"/projects/{project}/jobs", {"name": "J", "items": [filed["item"]]})["uid"]
    comment = live.post(f"/items/{filed['item']}/comments", {"body": "hello"})["uid"]
    hook = live.post("/webhooks", {"url": "https://example.org/", "project": project})["uid"]
    return {
        "projects.uid": project,
        "projects.class_uid": live.post(f"/projects/{project}/classes", {"name": "dog"})["uid"],
        "projects.attribute_uid": live.post(f"/projects/{project}/attributes", {"name": "a"})["uid"],
        "workflows.uid": live.post(f"/projects/{project}/workflows", {"name": "w"})["uid"],
        "batches.uid": batch,
        "items.uid": filed["item"],
        "tasks.uid": filed["task"],
        "jobs.uid": job,
        "comments.uid": comment,
        "webhooks.uid": hook,
        "models.uid": live.post("/models", {"name": "M", "url": "http://10.0.0.1/", "project": project})["uid"],
        "background-tasks.uid": live.post(f"/projects/{project}/exports", {})["uid"],
        "webhooks.delivery": live.post(f"/webhooks/{hook}/test", {})["uid"],
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_the_application_keeps_what_its_description_says(live: Live, mode: GenerationMode) -> None:
    faults: list[str] = []
    for result in live.schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name in LEFT_OUT or (name in TOLERANT and mode is GenerationMode.NEGATIVE):
            continue
        try:
            _try(live, operation, name, mode)
        except (Exception, BaseExceptionGroup) as error:
            faults.append(f"{name}: {error}")
    assert not faults, "\n\n".join(faults)


def _try(live: Live, operation: Any, name: str, mode: GenerationMode) -> None:
    resource = operation.path.split("/")[1]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=(Phase.explicit, Phase.generate),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def run(case: Any) -> None:
        if name not in KEEP and mode is GenerationMode.POSITIVE:
            for parameter in case.path_parameters or {}:
                case.path_parameters[parameter] = live.things.get(
                    f"{resource}.{parameter}", case.path_parameters[parameter]
                )
        case.call_and_validate(
            base_url=f"{live.url}/api/v1", headers=live.key, excluded_checks=[ignored_auth, positive_data_acceptance]
        )

    try:
        run()
    except (Exception, BaseExceptionGroup) as error:
        raise AssertionError(str(error)[:3000]) from error
