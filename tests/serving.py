"""Real processes, sockets and a browser, for those who ask for them: fixtures of tests/conftest.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.binary import LAUNCH_ARGS, find_browser
from tests.server import Server, Socket, hang_up
from tests.waiting import PATIENT

# A page whose scripts have not run yet takes no clicks, which would be lost: Playwright waits until the element does.
# (A style sheet made by script: no policy of the page forbids it.)
NO_CLICKS_BEFORE_IT_IS_LOADED = """() => {
  const closed = new CSSStyleSheet();
  closed.replaceSync("* { pointer-events: none !important }");
  document.adoptedStyleSheets = [closed];
  addEventListener("load", () => { document.adoptedStyleSheets = []; });
}"""


@pytest.fixture(scope="session")
def serving(addresses: dict[str, str], var: Path) -> dict[str, str]:
    """The environment of a serving process; without the owner's and the superuser's addresses."""
    hidden = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")
    found = {name: value for name, value in addresses.items() if name not in hidden}
    return {**os.environ, **found, "ONYX_VAR": str(var), "RATE_LIMITS": "false", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def shared_servers(serving: dict[str, str], var: Path) -> Iterator[Callable[[int], Server]]:
    """One server for each number of processes, kept for the whole run."""
    made: dict[int, Server] = {}

    def get(processes: int) -> Server:
        if processes not in made:
            made[processes] = Server(serving, var, processes)
        return made[processes]

    yield get
    for one in made.values():
        one.stop()


@pytest.fixture
def server(
    serving: dict[str, str], var: Path, shared_servers: Callable[[int], Server]
) -> Iterator[Callable[..., Server]]:
    """A real gunicorn: `server()`, `server(processes=2)` are shared; `server(fresh=True, LLM_BASE_URL=…)` is yours.

    Harm done to a shared one (a kill, a stopped Redis) must be mended by the test that does it: ask for a fresh one.
    """
    own: list[Server] = []

    def get(processes: int = 1, fresh: bool = False, **environment: str) -> Server:
        if not fresh and not environment:
            return shared_servers(processes)
        own.append(Server({**serving, **environment}, var, processes))
        return own[-1]

    yield get
    for one in own:
        one.stop()


@pytest.fixture
def socket_of(sign_in: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Socket]]:
    """An open socket of one of the cast: `socket_of("alice", server())`; `token=` for a session that you opened."""
    made: list[Socket] = []

    def connect(name: str, server: Server, namespace: str = "/", token: str | None = None) -> Socket:
        made.append(Socket(server, token or sign_in(name)["token"], namespace))
        return made[-1]

    yield connect
    for one in made:
        hang_up(one)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; skipped loudly where there is none, a failure where ONYX_REQUIRE_BROWSER=1."""
    binary = find_browser()
    if binary is None:
        told = "no browser: set CHROME_BIN, install chromium, or let npm fetch the pinned build"
        if os.environ.get("ONYX_REQUIRE_BROWSER") == "1":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=binary, args=list(LAUNCH_ARGS))
        _make_patient(started)
        yield started
        started.close()


def _make_patient(browser: Browser) -> None:
    """All pages, whoever opens them, wait for a busy machine as long as tests do elsewhere."""
    expect.set_options(timeout=PATIENT * 1000)
    open_context = browser.new_context

    def patient(**options: Any) -> BrowserContext:
        context = open_context(**options)
        context.set_default_timeout(PATIENT * 1000)
        context.add_init_script(f"({NO_CLICKS_BEFORE_IT_IS_LOADED})()")
        return context

    browser.new_context = patient  # type: ignore[method-assign]
