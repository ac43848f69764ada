"""What to write where, so that a vendor's unmodified client talks to this server."""

from __future__ import annotations

from dataclasses import dataclass

from labelwright.models.identity import Workspace
from labelwright.models.projects import Project


@dataclass(frozen=True)
class Snippet:
    """One way to connect. `code` is ready to copy but for the key."""

    key: str
    title: str
    words: str
    code: str


def snippets(base: str, project: Project, workspace: Workspace) -> list[Snippet]:
    """The ways to connect to this project, on the server at `base`."""
    host = base.partition("://")[2]
    return [
        Snippet(
            "api",
            "Labelwright's own API",
            "The reference stands under API reference in your account's menu.",
            f'curl -H "Authorization: Bearer YOUR_KEY" {base}/api/v1/projects/{project.uid}',
        ),
        Snippet(
            "playment",
            "Playment / GT Studio",
            "The unmodified playment package from PyPI, whose table of addresses is replaced once.",
            playment(base) + f'print(client.get_project_summary("{project.uid}"))\n',
        ),
        Snippet(
            "roboflow",
            "Roboflow",
            "The unmodified roboflow package from PyPI, and its command line with the same two variables set.",
            roboflow(base, workspace, project) + "print(project.name)\n",
        ),
        Snippet(
            "supervisely",
            "Supervisely",
            "The unmodified supervisely package from PyPI; both values may stand in its supervisely.env file instead.",
            supervisely(base) + f"print(sly.Api.from_env().project.get_info_by_id({project.id}).name)\n",
        ),
        Snippet(
            "dns",
            "A client whose address you cannot change",
            "Let its host name lead to this server, and tell the server which vendor that name means.",
            f"# DNS or /etc/hosts:  api.playment.io, api.playment.in  ->  {host.partition(':')[0]}\n"
            "LABELWRIGHT_HOSTS=api.playment.io=playment,api.playment.in=playment",
        ),
    ]


def playment(base: str) -> str:
    """The lines that make Playment's `client` ours."""
    return (
        "from playment import client_handler\n\n"
        f'SERVER = "{base}/playment"\n'
        "client_handler.urls = client_handler.urls._replace(\n"
        '    **{name: SERVER + "/" + url.split("/", 3)[3] for name, url in client_handler.urls._asdict().items()}\n'
        ")\n"
        'client = client_handler.Client("YOUR_KEY")\n'
    )


def roboflow(base: str, workspace: Workspace, project: Project) -> str:
    """The lines that open the `project` with Roboflow's package."""
    return (
        "import os\n\n"
        f'os.environ["API_URL"] = os.environ["APP_URL"] = "{base}/roboflow"  # before the import\n'
        "from roboflow import Roboflow\n\n"
        f'project = Roboflow(api_key="YOUR_KEY").workspace("{workspace.slug}").project("{project.slug}")\n'
    )


def supervisely(base: str) -> str:
    """The lines that import Supervisely's package as `sly`, pointed here."""
    return (
        "import os\n\n"
        f'os.environ["SERVER_ADDRESS"] = "{base}/supervisely"  # before the import\n'
        'os.environ["API_TOKEN"] = "YOUR_KEY"\n'
        "import supervisely as sly\n\n"
    )
