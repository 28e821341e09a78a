"""The settings page of an organisation, and its limits on the platform's page, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import barriers
from tests.console.test_browser import visit  # noqa: F401

pytestmark = pytest.mark.browser


def test_an_administrator_decides_and_sees_what_is_used(visit, allow, client_of, world):  # noqa: F811
    allow(quota_users=6, quota_messages_daily=100)
    dana = visit("dana")
    dana.goto("/admin/")
    dana.get_by_test_id("test-model").click()
    expect(dana.get_by_test_id("model-said")).to_contain_text("the built-in assistant answers")
    dana.get_by_role("link", name="Settings").first.click()
    dana.wait_for_url("**/admin/settings")
    expect(dana.get_by_test_id("usage-users")).to_contain_text("6 of 6")
    expect(dana.get_by_test_id("usage-users")).to_contain_text("the limit is reached")
    expect(dana.get_by_test_id("usage-messages")).to_contain_text("0 of 100")
    expect(dana.get_by_test_id("usage-storage_bytes")).to_contain_text("no limit")

    dana.get_by_label("E-mail domains").fill("@Acme.example, acme.test")
    dana.get_by_test_id("save-people").click()
    expect(dana.get_by_label("E-mail domains")).to_have_value("acme.example\nacme.test")
    dana.get_by_label("Networks that people may come from").fill("203.0.113.0/24")
    dana.get_by_test_id("save-network").click()
    expect(dana.get_by_text("Your own address, 127.0.0.1, must be in it")).to_be_visible()
    dana.get_by_label("Characters that a new password needs").fill("5")
    dana.get_by_test_id("save-people").click()
    expect(
        dana.get_by_text("Nothing was changed: “Characters that a new password needs at least”: at least 12.")
    ).to_be_visible()
    data = client_of("dana").get("/api/v1/tenant/settings").get_json()["data"]
    assert (data["email_domains"], data["ip_allow"], data["password_min_length"]) == (
        ["acme.example", "acme.test"],
        [],
        12,
    )


def test_the_pages_are_for_everybody_dark_and_on_a_phone(visit, client_of, world):  # noqa: F811
    places = ("/admin/settings", f"/platform/tenants/{world.acme.id}", "/platform/migrations")
    for name, path in zip(("dana", "petra", "petra"), places, strict=True):
        page = visit(name)
        page.goto(path)
        for theme, width in (("light", 1280), ("dark", 390)):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
            assert barriers(page) == [], theme
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} at {width} px scrolls sideways"


def test_the_platform_sets_limits(visit, client_of, world):  # noqa: F811
    petra = visit("petra")
    petra.goto(f"/platform/tenants/{world.acme.id}")
    petra.get_by_label("People at most").fill("6")
    petra.get_by_label("Gigabytes of files at most").fill("1.5")
    petra.get_by_test_id("limits-save").click()
    expect(petra.get_by_text("Saved. It holds for everybody from now on.")).to_be_visible()
    usage = client_of("dana").get("/api/v1/tenant/settings").get_json()["data"]["usage"]
    assert (usage["users"]["limit"], usage["storage_bytes"]["limit"]) == (6, 1_500_000_000)
    refused = client_of("dana").post("/api/v1/users", json={"email": "one.more@acme.example"})
    assert refused.status_code == 409


def test_a_message_beyond_the_day_is_refused_in_plain_words(visit, allow, client_of):  # noqa: F811
    allow(quota_messages_daily=1)
    alice = visit("alice")
    alice.goto("/")
    box = alice.locator("#composer-text")
    for text in ("The first one", "The second one"):
        box.fill(text)
        box.press("Enter")
        expect(alice.get_by_text(text, exact=True).first).to_be_visible()
    expect(alice.get_by_text("may send one message a day")).to_be_visible()
