"""A whole installation in a fresh data folder, started as `make run` starts it, and a real browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests import afterwards
from tests.cast import World
from tests.conftest import OWN_SETTINGS
from tests.server import Server, free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """One running Onyx of this test, with the demo's people."""

    url: str
    people: dict[str, dict[str, str]]
    supervisor: int
    var: Path

    def password(self, email: str) -> str:
        return self.people[email]["password"]


@pytest.fixture(scope="module", params=[1, 2], ids=["one-process", "two-processes"])
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Onyx from nothing: a fresh data folder, one or two web processes, stopped by SIGTERM at the end."""
    with tempfile.TemporaryDirectory(prefix="onyx-story-") as folder:
        Path(folder).chmod(0o711)
        afterwards.look_after(Path(folder))
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
        environment |= {"ONYX_VAR": folder, "PORT": str(port), "WEB_PROCESSES": str(request.param)}
        with (Path(folder) / "story.log").open("w+") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "onyx.embedded", "run"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                _wait_until_ready(process, port, Path(folder) / "story.log")
                people = json.loads((Path(folder) / "demo-credentials.json").read_text())
                yield Installation(
                    f"http://127.0.0.1:{port}", {p["email"]: p for p in people}, process.pid, Path(folder)
                )
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(90) == 0


@pytest.fixture
def signed_in(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page of somebody in a browser context of their own: `signed_in(url, email, password)`."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def open_page(url: str, email: str, password: str, **options: Any) -> Page:
        context = browser.new_context(locale="en-US", timezone_id="UTC", base_url=url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(f"{email}: {error}"))
        page.on("console", lambda line: trouble.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto("/login")
        page.get_by_test_id("login-email").fill(email)
        page.get_by_test_id("login-password").fill(password)
        page.get_by_test_id("login-submit").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def visit(signed_in: Callable[..., Page], installation: Installation) -> Callable[..., Page]:
    """A page of one of the demo's people in the installation: `visit("alice@acme.example")`."""
    return lambda email, **options: signed_in(installation.url, email, installation.password(email), **options)


@pytest.fixture
def page_of(signed_in: Callable[..., Page], server: Callable[..., Server], world: World) -> Callable[..., Page]:
    """A page of one of the cast in the run's shared server: `page_of("alice")`. An installation takes ten seconds."""
    return lambda name, **options: signed_in(server().url, world[name].email, world[name].password, **options)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
                if answer.status == 200 and "Onyx is ready" in log.read_text():
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("Onyx did not come up:\n" + log.read_text()[-4000:])
