"""The auditor's and the administrator's pages in a real browser, with a strict policy and no error in the console."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import barriers
from tests.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def page_of(browser, server, sign_in):
    """A signed-in page of one of the cast, and whatever its console complained of."""
    opened = []

    def page(name, **more):
        context = browser.new_context(base_url=server().url, **more)
        context.add_cookies([{"name": "onyx_session", "value": sign_in(name)["token"], "url": server().url}])
        opened.append(context)
        made = context.new_page()
        made.complaints = []
        made.on("console", lambda said: said.type == "error" and made.complaints.append(said.text))
        made.on("pageerror", lambda error: made.complaints.append(str(error)))
        return made

    yield page
    for context in opened:
        context.close()


def test_carol_reads_filters_and_follows_the_trail(page_of, client_of, world):
    alice = client_of("alice")
    alice.patch("/api/v1/users/me", json={"display_name": "Alice B."})
    alice.get("/api/v1/audit/events")
    page = page_of("carol")
    page.goto("/audit/")
    rows = page.get_by_test_id("audit-row")
    expect(page.locator("[data-action='profile.changed']")).to_contain_text("changed their profile")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected")

    page.get_by_test_id("audit-filter-action").select_option("profile.changed")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("action=profile.changed"))
    page.keyboard.press("Escape")
    page.locator(".log-open").first.focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_test_id("audit-drawer")
    expect(drawer).to_be_visible()
    expect(drawer.get_by_test_id("audit-changes")).to_contain_text("Alice ArdenAlice B.")
    expect(drawer).to_contain_text("PATCH /api/v1/users/me")
    drawer.get_by_test_id("audit-by-actor").click()
    expect(page.locator("[data-action='access.denied']")).to_have_count(1)
    expect(page.locator("[data-action='session.created']")).to_have_count(1)

    page.goto("/audit/")
    page.get_by_test_id("audit-filter-actor").fill("nobody@nowhere.example")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("audit-note")).to_contain_text("Nothing fits these filters")
    assert page.complaints == []


def test_new_events_are_announced_while_carol_watches(page_of, server, world):
    page = page_of("carol")
    page.goto("/audit/")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    page.wait_for_timeout(1600)  # the look of this very page has been counted by then
    with server().http() as somebody:
        sent = {"email": world.bob.email, "password": world.bob.password}
        assert somebody.post("/api/v1/auth/login", json=sent).ok
    expect(page.get_by_test_id("audit-new")).to_contain_text(re.compile(r"\d+ new event"))
    page.get_by_test_id("audit-new").click()
    expect(page.get_by_test_id("audit-row").first).to_contain_text("signed in")
    assert page.complaints == []


def test_events_are_loaded_page_by_page(page_of, session_of, actor_of):
    from onyx.audit.actions import Action
    from onyx.audit.record import record

    with session_of("alice") as session:
        for _ in range(60):
            record(session, actor_of("alice"), Action.CHAT_CREATED)
    page = page_of("carol", viewport={"width": 390, "height": 844})
    page.goto("/audit/?action=chat.created")
    expect(page.get_by_test_id("audit-row")).to_have_count(50)
    page.get_by_test_id("audit-more").click()
    expect(page.get_by_test_id("audit-row")).to_have_count(60)
    expect(page.get_by_test_id("audit-more")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing may stick out on a phone"
    assert page.complaints == []


def test_the_access_log_and_ones_own_trail(page_of, client_of, server, sign_in):
    carol, page = client_of("carol"), page_of("carol")
    with server().http(sign_in("alice")["token"]) as alice:
        assert alice.get("/api/v1/users/me").ok
    until(lambda: carol.get("/api/v1/access-log").get_json()["data"])  # the server drains it each second

    page.goto("/audit/")
    expect(page.get_by_test_id("audit-row").first).to_be_visible()
    page.goto("/audit/access")
    expect(page.get_by_test_id("access-row").first).to_be_visible()
    mine = page_of("alice")
    mine.goto("/settings/trail")
    expect(mine.get_by_test_id("audit-row").first).to_contain_text("signed in")
    assert page.complaints == mine.complaints == []


def test_dana_starts_a_job_and_sees_that_it_waits(page_of, redis_of_jobs):
    page = page_of("dana")
    page.goto("/jobs/")
    row = page.locator("[data-name='sessions.expire']")
    row.get_by_test_id("job-run").click()
    expect(row).to_contain_text("waiting for a worker")
    expect(row.get_by_test_id("job-run")).to_be_disabled()
    assert page.complaints == []


@pytest.fixture
def redis_of_jobs(app):
    """No job waits before or after: nobody works here."""
    client = app.extensions["onyx"].store.client

    def clear():
        for pattern in ("rq:*", "onyx:job:*"):
            for key in client.scan_iter(pattern):
                client.delete(key)

    clear()
    yield client
    clear()


@pytest.mark.shares_world
@pytest.mark.parametrize(
    ("name", "path", "note"),
    [
        ("carol", "/audit/", "#log-note"), ("carol", "/audit/access", "#log-note"),
        ("carol", "/settings/trail", "#log-note"), ("dana", "/jobs/", "#jobs-note"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(name, path, note, scheme, page_of):
    page = page_of(name, color_scheme=scheme, bypass_csp=True)
    page.goto(path)
    expect(page.locator(note)).not_to_have_text("Loading…")
    assert barriers(page) == []
