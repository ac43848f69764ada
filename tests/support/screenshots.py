"""Pictures of the pages for the README, taken of the demo: `python -m tests.support.screenshots`, into `docs/images/`."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM_FLAGS
from tests.support.postgres import free_port
from tests.support.processes import ROOT, Process, wait_until_answering

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 800


def main() -> None:
    """Start a demo, sign in, photograph, stop."""
    with tempfile.TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder) / "log"
        server = Process(["serve", "--data", f"{folder}/data", "--port", str(port), "--demo"], {}, log)
        server.start()
        assert server.process is not None
        try:
            wait_until_answering(f"http://127.0.0.1:{port}/healthz", server.process, log)
            said = dict(line.split(maxsplit=1) for line in server.output().splitlines() if len(line.split()) == 2)
            with sync_playwright() as playwright:
                program = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
                _tour(
                    browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}),
                    f"http://127.0.0.1:{port}",
                    said["Password"],
                )
                browser.close()
        finally:
            server.stop()


def _tour(page: Any, url: str, password: str) -> None:
    page.goto(url + "/login")
    page.get_by_label("E-mail").fill("owner@demo.example")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects")
    _take(page, "projects")
    page.get_by_role("link", name="Photographs").click()
    project = page.url
    _take(page, "overview")
    page.goto(project + "/items")
    page.evaluate("localStorage.setItem('gallery-size', '380')")
    page.reload()
    _take(page, "items")
    page.goto(project + "/ontology")
    _take(page, "ontology")
    page.goto(project)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/work/**")
    page.wait_for_timeout(2500)
    _take(page, "editor")


def _take(page: Any, name: str) -> None:
    """The window as a WebP of some tens of kilobytes."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    IMAGES.mkdir(parents=True, exist_ok=True)
    picture.save(IMAGES / f"{name}.webp", "WEBP", quality=82, method=6)


if __name__ == "__main__":
    main()
