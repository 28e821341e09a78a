"""Single sign-on and API keys as people click them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser, place):
    """A page that complains when the Content-Security-Policy refuses anything."""
    complaints = []
    context = browser.new_context(base_url=place.url, locale="en-US", viewport={"width": 1300, "height": 900})
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield made
    context.close()
    assert complaints == []


def test_naming_the_organisation_offers_its_own_sign_in(set_up, idp, page, world):
    set_up()
    idp.person = {"sub": "bea", "email": "bea@acme.example", "email_verified": True, "name": "Bea Button"}
    page.goto("/login")
    link = page.get_by_test_id("login-sso")
    expect(link).to_be_hidden()
    page.get_by_text("Sign in to a particular organisation").click()
    page.get_by_test_id("login-tenant").fill(world.acme.slug)
    expect(link).to_have_text(f"Sign in with {world.acme.slug}")
    link.click()
    page.wait_for_url("**/")
    expect(page.get_by_test_id("person-menu").first).to_contain_text("Bea Button")


def test_who_is_not_let_in_reads_why(set_up, idp, page, world):
    set_up()
    idp.person = {"sub": "eve", "email": "eve@elsewhere.example", "email_verified": True}
    page.goto(f"/login/sso/{world.acme.slug}")
    page.get_by_test_id("sso-go").click()
    expect(page.get_by_test_id("login-reason")).to_contain_text("did not vouch")


def test_a_key_is_made_shown_once_and_revoked(page, place, world, sign_in):
    page.context.add_cookies([{"name": "onyx_session", "value": sign_in("alice")["token"], "url": place.url}])
    page.goto("/settings/keys")
    page.get_by_test_id("key-name").fill("Reports")
    page.get_by_test_id("key-create").click()
    expect(page.locator("[data-form-error]")).to_contain_text("at least one thing")
    page.locator('[data-testid="key-scope"][value="chat:use"]').check()
    page.get_by_test_id("key-create").click()
    expect(page.get_by_test_id("key-secret")).to_contain_text("onyx_")
    key = page.get_by_test_id("key-secret").inner_text()
    with place.http(key) as http:
        assert http.get("/api/v1/sessions").status_code == 200
    row = page.get_by_test_id("key-row").filter(has_text="Reports")
    row.get_by_test_id("key-revoke").click()
    page.get_by_test_id("confirm-ok").click()
    expect(row).to_contain_text("revoked")
    with place.http(key) as http:
        assert http.get("/api/v1/sessions").status_code == 401
    page.reload()
    expect(page.get_by_test_id("key-row")).to_have_count(1)
    assert key not in page.content()
