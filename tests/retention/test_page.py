"""What an administrator sees before a rule takes anything, and an auditor afterwards; in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from onyx.retention import archiving
from tests.browser.axe import barriers

pytestmark = pytest.mark.browser


def test_what_would_go_is_seen_and_confirmed(
    visit, world, old_chat, old_log, expire, chats, client_of, owner_url, var, steward
):
    chat, name = old_chat("alice", 40), old_log(world.acme, 5)
    dana = visit("dana")
    dana.goto("/admin/settings")
    told = dana.get_by_test_id("retention-preview")
    expect(told).to_have_text("As it is typed here, nothing would go now.")
    dana.get_by_label("Days that a chat is kept after its last message").fill("30")
    dana.get_by_label("Days that the access log is kept").fill("60")
    expect(told).to_contain_text("1 chat with 2 messages of 1 person would be set aside")
    expect(told).to_contain_text(f"1 month of the access log ({name[-6:-2]}-{name[-2:]}) with 3 lines")
    dana.get_by_test_id("save-retention").click()
    expect(dana.get_by_test_id("confirm-dialog")).to_contain_text("1 chat with 2 messages")
    dana.get_by_test_id("confirm-cancel").click()
    assert client_of("dana").get("/api/v1/tenant/settings").get_json()["data"]["retention_chat_days"] is None
    dana.get_by_test_id("save-retention").click()
    dana.get_by_test_id("confirm-ok").click()
    expect(dana.get_by_text("Saved. It is applied within a minute.")).to_be_visible()
    expire()
    assert chats(world.acme) == {str(chat): True}
    dana.reload()
    expect(dana.get_by_test_id("retention-aside")).to_contain_text("1 chat is set aside")
    archiving.archive(owner_url, var, world.acme.id, steward(world.acme))

    dana.get_by_test_id("hold-button").click()
    dana.get_by_label("Reason").fill("Case 7")
    dana.get_by_test_id("confirm-ok").click()
    expect(dana.get_by_test_id("hold-state")).to_contain_text(f"by {world.dana.email}: Case 7")
    expire()
    assert chats(world.acme) == {str(chat): False}

    _readable(dana)
    _others_see(visit, world)


def _others_see(visit, world):
    carol = visit("carol")
    carol.goto("/audit/access")
    expect(carol.get_by_test_id("archive-row")).to_contain_text("3 lines")
    expect(carol.get_by_test_id("archives")).to_contain_text(f"by {world.dana.email} keeps everything")
    with carol.expect_download() as got:
        carol.get_by_role("link", name="All lines").click()
    assert len(got.value.path().read_text().splitlines()) == 3
    petra = visit("petra")
    petra.goto(f"/platform/tenants/{world.acme.id}")
    expect(petra.get_by_test_id("hold-state")).to_contain_text("Case 7")
    petra.get_by_label("Its administrators keep chats for at least").fill("20")
    petra.get_by_test_id("save-retention").click()
    petra.get_by_test_id("confirm-ok").click()
    expect(petra.get_by_text("Saved. It is applied within a minute.")).to_be_visible()
    _readable(carol)
    _readable(petra)


def _readable(page):
    """For everybody, dark and on a phone too."""
    for theme, width in (("light", 1280), ("dark", 390)):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
        assert barriers(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} at {width} px scrolls sideways"
