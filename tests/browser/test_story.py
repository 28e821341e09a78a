"""The story that Onyx exists for, in four browsers at once, on one and on two web processes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.waiting import promptly

Visit = Callable[..., Page]
pytestmark = pytest.mark.browser
NOTES = "The Atlas launch moved to the ninth of March because the turbine certificate is late.\n"


def test_a_private_chat_with_an_audited_trail(visit: Visit, tmp_path: Path) -> None:
    alice, mallory, dana = visit("alice@acme.example"), visit("mallory@globex.example"), visit("dana@acme.example")

    chat = _alice_gets_an_answer_from_her_own_text(alice, tmp_path)
    _mallory_sees_nothing_of_it(mallory, chat)
    _dana_ends_her_session(dana, alice)
    _carol_reads_every_step(visit("carol@acme.example"))


def _alice_gets_an_answer_from_her_own_text(alice: Page, folder: Path) -> str:
    notes = folder / "atlas-notes.txt"
    notes.write_text(NOTES)
    alice.goto("/files")
    alice.get_by_test_id("upload").set_input_files(notes)
    expect(alice.get_by_test_id("file-row")).to_contain_text("atlas-notes.txt")

    alice.goto("/")
    expect(alice.get_by_test_id("connection")).to_have_attribute("data-state", "connected")
    alice.get_by_test_id("composer").fill("When is the Atlas launch?")
    alice.get_by_test_id("send").click()
    answer = alice.locator('[data-testid="message"][data-role="assistant"][data-status="done"]')
    expect(answer).to_contain_text("ninth of March")
    expect(answer.get_by_test_id("citation").first).to_contain_text("atlas-notes.txt")
    expect(answer.get_by_test_id("reply-label")).to_contain_text("no language model")
    expect(alice.get_by_test_id("chat-item").first).to_contain_text("When is the Atlas launch?")
    found = re.search(r"/c/([0-9a-f-]{36})", alice.url)
    assert found, alice.url
    return found[1]


def _mallory_sees_nothing_of_it(mallory: Page, chat: str) -> None:
    expect(mallory.get_by_test_id("composer")).to_be_visible()
    expect(mallory.get_by_test_id("chat-item")).to_have_count(0)
    for path in (f"/api/v1/sessions/{chat}", f"/api/v1/sessions/{chat}/messages", f"/api/sessions/{chat}/history"):
        assert mallory.request.get(path).status == 404
    assert "Atlas" not in mallory.request.get("/api/v1/search?q=Atlas").text()
    mallory.get_by_test_id("composer").fill("When is the Atlas launch?")
    mallory.get_by_test_id("send").click()
    answer = mallory.locator('[data-testid="message"][data-role="assistant"][data-status="done"]')
    expect(answer).to_be_visible()
    expect(answer).not_to_contain_text("March")


def _dana_ends_her_session(dana: Page, alice: Page) -> None:
    dana.goto("/admin/sessions")
    row = dana.get_by_test_id("live-session-row").filter(has_text="alice@acme.example")
    expect(row).to_have_count(1)
    row.get_by_test_id("end-session").click()
    with promptly(1):
        dana.get_by_test_id("confirm-ok").click()
        alice.wait_for_url(re.compile(r"/login\?reason=revoked_by_admin"))
    expect(alice.get_by_test_id("login-reason")).to_contain_text("administrator ended this session")
    expect(row).to_have_count(0)
    alice.goto("/")
    assert "/login" in alice.url


def _carol_reads_every_step(carol: Page) -> None:
    carol.goto("/audit/")
    for action in ("session.created", "file.uploaded", "chat.created", "message.sent", "session.revoked"):
        expect(carol.locator(f'[data-testid="audit-row"][data-action="{action}"]').first).to_be_visible()
    revoked = carol.locator('[data-testid="audit-row"][data-action="session.revoked"]').first
    expect(revoked).to_contain_text("Dana Admin ended a login session of alice@acme.example")
    revoked.get_by_role("button").click()
    expect(carol.get_by_test_id("audit-drawer")).to_contain_text("revoked_by_admin")
    assert "Atlas" not in carol.content()
