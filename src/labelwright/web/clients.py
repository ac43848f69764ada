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
            "The unmodified playment package from PyPI; only the address changes.",
            "import playment\n"
            "from playment import jobs, utilities\n\n"
            f'utilities.PLAYMENT_SERVER = "{base}/playment"\n'
            'client = playment.Client("YOUR_KEY")\n'
            f'client.project_id = "{project.uid}"\n',
        ),
        Snippet(
            "dns",
            "A client whose address you cannot change",
            "Let its host name lead to this server, and tell the server which vendor that name means.",
            f"# DNS or /etc/hosts:  api.playment.io  ->  {host.partition(':')[0]}\nLABELWRIGHT_HOSTS=api.playment.io=playment",
        ),
    ]
