"""Interactive login: a token made on our page by the person who is signed in, pasted into the real command line."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.vendors.roboflow.conftest import Bench


class Browser:
    """A browser without scripts, signed in as the owner."""

    def __init__(self, bench: Bench) -> None:
        self.url = bench.server.url
        self.opener = build_opener(HTTPCookieProcessor())
        self.post("/login", email="owner@example.org", password=bench.server.owner["password"])

    def get(self, path: str) -> tuple[str, str]:
        """Where it led, and the page."""
        with self.opener.open(path if path.startswith("http") else self.url + path) as answer:
            return answer.url, answer.read().decode()

    def post(self, path: str, **fields: Any) -> str:
        """Send a form."""
        body = urlencode(fields, doseq=True).encode()
        with self.opener.open(Request(self.url + path, body, {"hx-request": "true"})) as answer:
            return answer.read().decode()


def token_of(browser: Browser, page: str, **fields: Any) -> str:
    spaces = re.findall(r'name="workspace" value="([^"]+)"', page)
    shown = browser.post("/auth-cli", workspace=spaces, **fields)
    return re.search(r'id="made-token">([^<]+)<', shown).group(1)  # type: ignore[union-attr]


def login(bench: Bench, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`roboflow auth login` with the token on its standard input, without a terminal and without a key."""
    return cli(bench, "auth", "login", *arguments, typed=f"{token}\n")


def cli(bench: Bench, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """The command line without a key in its environment, with a configuration file of its own."""
    environment = {k: v for k, v in bench.environment().items() if k != "ROBOFLOW_API_KEY"}
    environment["ROBOFLOW_CONFIG_DIR"] = str(bench.folder / "login.json")
    return bench.command(*arguments, environment=environment, typed=typed)


@pytest.fixture
def browser(bench: Bench) -> Browser:
    return Browser(bench)


def test_login_with_a_token_of_our_page(bench: Bench, browser: Browser) -> None:
    where, page = browser.get(f"/roboflow/auth-cli/?workspace={bench.workspace}")
    assert where == f"{bench.server.url}/auth-cli?workspace={bench.workspace}"
    token = token_of(browser, page)
    assert cli(bench, "auth", "status").returncode == 2
    done = login(bench, token)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((bench.folder / "login.json").read_text())
    assert kept["RF_WORKSPACE"] == bench.workspace
    [entry] = kept["workspaces"].values()
    assert (entry["url"], entry["name"]) == (bench.workspace, "Workspace")
    assert entry["apiKey"] != bench.server.api_key
    shown = cli(bench, "auth", "status")
    assert bench.workspace in shown.stdout, shown.stdout + shown.stderr
    assert cli(bench, "project", "list").returncode == 0
    assert bench.server.request("GET", f"/roboflow/{bench.workspace}?api_key={entry['apiKey']}")[0] == 200
    # It is spent.
    again = login(bench, token, "--force")
    assert again.returncode != 0
    assert "Invalid API key" in again.stdout + again.stderr
    _, keys = browser.get(browser.get("/team")[0] + "/keys")
    assert "Roboflow login" in keys


def test_only_people_who_are_signed_in_make_tokens(bench: Bench, browser: Browser) -> None:
    bearer = {"Authorization": f"Bearer {bench.server.api_key}"}
    with pytest.raises(HTTPError) as refused:
        build_opener().open(Request(f"{bench.server.url}/auth-cli", b"workspace=x", bearer))
    assert refused.value.code in (403, 422)
    where, _ = Browser.get(_stranger(bench), "/roboflow/auth-cli?workspace=a%26b")
    assert where.startswith(f"{bench.server.url}/login?next=")
    _, page = browser.get("/auth-cli?workspace=nosuch")
    assert "no workspace" in page
    assert bench.server.request("GET", "/roboflow/query/cliAuthToken/nosuchtoken") == (200, None)


def _stranger(bench: Bench) -> Browser:
    found = object.__new__(Browser)
    found.url, found.opener = bench.server.url, build_opener(HTTPCookieProcessor())
    return found


def test_one_token_redeemed_by_many_at_once_is_good_once(bench: Bench, browser: Browser) -> None:
    _, page = browser.get("/auth-cli")
    token = token_of(browser, page)
    keys = bench.script("""
from concurrent.futures import ThreadPoolExecutor
import requests
url = os.environ["APP_URL"] + "/query/cliAuthToken/" + sys.argv[1]
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: requests.get(url).json(), range(8)))
print(json.dumps(answers))
""", token)  # fmt: skip
    assert sum(bool(answer) for answer in keys) == 1
    # A new token ends the one before it.
    first = token_of(browser, page)
    second = token_of(browser, page)
    assert bench.server.request("GET", f"/roboflow/query/cliAuthToken/{first}")[1] is None
    assert bench.server.request("GET", f"/roboflow/query/cliAuthToken/{second}")[1]
