"""The console in a real browser: what an administrator clicks, and what the others' open pages do."""

import pytest
from playwright.sync_api import expect

from tests.waiting import promptly

pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def visit(browser, server, world):
    """A page of one of the cast, signed in by hand; complaints of the page (CSP among them) fail the test."""
    two, contexts, complaints = server(processes=2), [], []

    def open_page(name, password=None, email=None):
        context = browser.new_context(base_url=two.url, locale="en-US", viewport={"width": 1300, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        page.goto("/login")
        page.get_by_label("E-mail").fill(email or world[name].email)
        page.get_by_label("Password", exact=True).fill(password or world[name].password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_an_ended_session_leaves_the_open_page_and_shows_its_receipt(visit, world):
    alice, dana = visit("alice"), visit("dana")
    dana.goto("/admin/sessions/")
    expect(dana.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    row = dana.get_by_test_id("live-session-row").filter(has_text=world.alice.email)
    row.get_by_test_id("end-session").click()
    dana.get_by_test_id("confirm-cancel").click()
    expect(row).to_have_count(1)
    row.get_by_test_id("end-session").click()
    with promptly(2):
        dana.get_by_test_id("confirm-ok").click()
        alice.wait_for_url("**/login?reason=revoked_by_admin*")
    expect(row).to_have_count(0)
    expect(dana.get_by_test_id("receipt")).to_contain_text("acknowledged in")


_CONFIRM = """async (password) => (await fetch("/api/v1/auth/step-up", {
  method: "POST", body: JSON.stringify({ password }),
  headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content },
})).status"""


def test_open_pages_connect_anew_with_the_token_of_a_confirmation(visit, world, owner):
    dana = visit("dana")
    dana.goto("/admin/sessions/")
    other = dana.context.new_page()
    other.goto("/admin/")
    for page in (dana, other):
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    with other.expect_websocket(), dana.expect_websocket():
        assert dana.evaluate(_CONFIRM, world.dana.password) == 200
    owner.execute(f"update {world.acme.schema}.login_session set rotated_at = rotated_at - interval '11 seconds'")
    for page in (dana, other):
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
        assert page.evaluate("fetch('/api/v1/users/me').then((answer) => answer.status)") == 200
        assert "/login" not in page.url


def test_a_window_goes_on_when_another_one_signs_in_anew(visit, world):
    """Sent to the sign-in page, and signing in there, it would send the other one there, and so on."""
    dana = visit("dana")
    dana.goto("/admin/sessions/")
    expect(dana.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    other = dana.context.new_page()
    other.goto("/login")
    other.get_by_label("E-mail").fill(world.dana.email)
    other.get_by_label("Password", exact=True).fill(world.dana.password)
    with dana.expect_navigation():
        other.get_by_role("button", name="Sign in").click()
    other.wait_for_url(lambda url: "/login" not in url)
    expect(dana.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    assert "/admin/sessions" in dana.url
    assert dana.evaluate("fetch('/api/v1/users/me').then((answer) => answer.status)") == 200


def test_a_sign_in_appears_without_reload(visit, world):
    dana = visit("dana")
    dana.goto("/admin/sessions/")
    expect(dana.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    visit("bob")
    expect(dana.get_by_test_id("live-session-row").filter(has_text=world.bob.email)).to_have_count(1)


def test_what_is_listed_stays_as_it_is_when_others_come_and_go(visit, world, client_of):
    """No reload and no flicker: the rows that stay are the same elements, with the boxes that were ticked."""
    dana = visit("dana")
    dana.goto("/admin/sessions/")
    expect(dana.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    first = dana.get_by_test_id("live-session-row").first
    first.evaluate("row => { row.marked = true; row.querySelector('[data-pick]').checked = true; }")
    carol = client_of("carol")
    theirs = dana.locator(f'[data-session-id="{carol.signed_in["session_id"]}"]')
    expect(theirs).to_have_count(1)
    carol.post("/api/v1/auth/logout")
    expect(theirs).to_have_count(0)
    kept = dana.evaluate(
        "[...document.querySelectorAll('#session-rows tr')].filter((row) => row.marked && row.querySelector('[data-pick]').checked).length"
    )
    assert kept == 1


def test_a_person_from_the_form_to_their_own_sign_in_and_suspension(visit, world):
    dana = visit("dana")
    email = f"nora@{world.acme.slug}.example"
    dana.goto("/admin/people/")
    dana.get_by_test_id("people-new").click()
    dana.get_by_label("E-mail").fill(world.alice.email)
    dana.get_by_test_id("person-save").click()
    expect(dana.get_by_text("Somebody with this e-mail is here already.")).to_be_visible()
    dana.get_by_label("E-mail").fill(email)
    dana.get_by_label("Name").fill("Nora New")
    dana.get_by_test_id("role-curator").check()
    dana.get_by_test_id("person-save").click()
    nora = visit(None, email=email, password=dana.get_by_test_id("one-time-password").inner_text())

    dana.goto("/admin/people/")
    dana.get_by_test_id("people-search").fill("nora")
    dana.get_by_test_id("people-search").press("Enter")
    expect(dana.get_by_test_id("person-row")).to_have_count(1)
    dana.get_by_role("link", name="Nora New", exact=True).click()
    dana.get_by_test_id("role-curator").uncheck()
    dana.get_by_test_id("person-save").click()
    expect(dana.get_by_text("Saved.")).to_be_visible()
    expect(dana.get_by_test_id("role-curator")).not_to_be_checked()
    dana.get_by_test_id("person-suspend").click()
    dana.get_by_test_id("confirm-ok").click()
    nora.wait_for_url("**/login?reason=suspended*")
    expect(dana.get_by_test_id("person-reactivate")).to_be_visible()


def test_the_overview_moves(visit):
    dana = visit("dana")
    dana.goto("/admin/")
    expect(dana.get_by_test_id("stat-active_sessions")).to_have_text("1")
    expect(dana.locator("#requests-chart canvas")).to_be_visible()
    expect(dana.get_by_test_id("checklist")).to_contain_text("Give a second person the role Admin")


def test_the_platform_suspends_and_resumes(visit, world):
    alice, petra = visit("alice"), visit("petra")
    petra.goto("/platform/")
    petra.get_by_test_id("tenants-search").fill(world.acme.slug)
    row = petra.get_by_test_id("tenant-row").filter(has_text=world.acme.slug)
    expect(row).to_have_count(1)
    row.get_by_test_id("tenant-turn").click()
    petra.get_by_test_id("confirm-ok").click()
    alice.wait_for_url("**/login?reason=tenant_suspended*")
    expect(row).to_contain_text("suspended")
    row.get_by_test_id("tenant-turn").click()
    petra.get_by_test_id("confirm-ok").click()
    expect(row).to_contain_text("active")
    visit("alice")
