"""From an invitation to the end of a session that an administrator ended, in two browsers (issue 4)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_factors import _set_up_app, _turn_app_on
from tests.cast import World

Visit = Callable[..., Page]
pytestmark = pytest.mark.browser
PASSWORD = "seven quiet lighthouses"


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def test_invited_enrolled_promoted_and_signed_out(page_of: Visit, browser: Browser, server, world: World) -> None:
    email = f"nora@{world.acme.slug}.example"
    dana = page_of("dana")
    _require_a_factor(dana)
    link = _invite(dana, email)
    context = browser.new_context(locale="en-US", timezone_id="UTC", base_url=server().url)
    nora = context.new_page()
    try:
        _accept_and_enrol(nora, link)
        _given_a_role_while_the_page_is_open(dana, nora, email)
        _signed_out_and_told_why(dana, nora, email)
    finally:
        context.close()
    _deleted_after_a_look(dana, email)


def _require_a_factor(dana: Page) -> None:
    _set_up_app(dana)
    dana.goto("/admin/")
    dana.get_by_test_id("require-factor").check()
    dana.get_by_test_id("confirm-ok").click()
    expect(dana.get_by_test_id("notice").last).to_contain_text("Everybody needs")


def _invite(dana: Page, email: str) -> str:
    dana.goto("/admin/invitations/")
    dana.get_by_test_id("invite").click()
    dana.get_by_label("E-mail").fill(email)
    dana.get_by_label("Name", exact=True).fill("Nora New")
    dana.get_by_test_id("invite-send").click()
    expect(dana.get_by_test_id("invitation-link")).to_contain_text("/invitation#")
    dana.keyboard.press("Escape")
    expect(dana.get_by_test_id("invitation-link")).to_be_visible()  # what is shown only once does not go by a slip
    dana.locator("[data-copy]").click()
    expect(dana.locator("[data-copy]")).to_have_text(re.compile("Copied|Marked"))
    return dana.get_by_test_id("invitation-link").inner_text()


def _accept_and_enrol(nora: Page, link: str) -> None:
    nora.goto(link)
    nora.get_by_label("A password").fill(PASSWORD)
    nora.get_by_test_id("invitation-submit").click()
    nora.wait_for_url(re.compile("/settings/factor"))
    _turn_app_on(nora)
    nora.get_by_test_id("codes-kept").click()
    nora.wait_for_url(lambda url: "/settings/factor" not in url)
    nora.goto("/")
    expect(nora.get_by_test_id("connection")).to_have_attribute("data-state", "connected")


def _given_a_role_while_the_page_is_open(dana: Page, nora: Page, email: str) -> None:
    assert nora.request.get("/api/v1/users").status == 403
    dana.goto("/admin/people/?search=nora")
    dana.get_by_role("link", name="Nora New", exact=True).click()
    dana.locator('input[name="roles"][value="admin"]').check()
    dana.get_by_test_id("person-save").click()
    dana.wait_for_url(re.compile("saved=1"))
    assert nora.request.get("/api/v1/users").status == 200, "the session that is open feels it at once"
    nora.goto("/admin/people/")
    expect(nora.get_by_role("heading", name="People")).to_be_visible()
    expect(dana.get_by_test_id("activity")).to_contain_text(f"Dana Admin changed the roles of {email}")


def _signed_out_and_told_why(dana: Page, nora: Page, email: str) -> None:
    nora.goto("/")
    expect(nora.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    dana.goto("/admin/sessions")
    row = dana.get_by_test_id("live-session-row").filter(has_text=email)
    expect(row).to_have_count(1)
    row.get_by_test_id("end-session").click()
    dana.get_by_test_id("confirm-ok").click()
    nora.wait_for_url(re.compile(r"/login\?reason=revoked_by_admin"))
    expect(nora.get_by_test_id("login-reason")).to_contain_text("administrator ended this session")
    nora.goto("/")
    assert "/login" in nora.url


def _deleted_after_a_look(dana: Page, email: str) -> None:
    dana.goto("/admin/people/?search=nora")
    dana.get_by_role("link", name="Nora New", exact=True).click()
    for typed, there in (("somebody else", True), (email, False)):
        dana.get_by_test_id("person-delete").click()
        expect(dana.locator("#confirm-text")).to_contain_text("The trail keeps")
        dana.locator("#confirm-input").fill(typed)
        dana.get_by_test_id("confirm-ok").click()
        if there:
            expect(dana.locator("#person-error")).to_contain_text("not this person's e-mail")
    dana.wait_for_url(re.compile("/admin/people/$"))
    expect(dana.get_by_test_id("notice")).to_contain_text(f"{email} is deleted.")
    assert dana.request.get(f"/api/v1/users?q={email}").json()["data"] == []
