"""The platform's page of backups in a real browser, with the steward at work behind it."""

from __future__ import annotations

import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from onyx.backups.operations import LONG, Operations
from onyx.tenancy import steward

pytestmark = pytest.mark.browser


@pytest.fixture
def at_work(app, owner, owner_url, tmp_path):
    """The steward's two functions, over and over, as its process calls them."""
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    settings = app.extensions["onyx"].settings.model_copy(update={"onyx_var": tmp_path})
    asked = threading.Event()

    def work():
        while not asked.wait(0.1):
            while (request := steward.claim_next(owner_url, only=LONG)) is not None:
                steward.run(owner_url, request, Operations(settings).table)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    asked.set()
    thread.join()


def test_petra_saves_tries_and_restores(browser, server, sign_in, world, full, at_work, client_of):
    context = browser.new_context(base_url=server().url)
    try:
        context.add_cookies([{"name": "onyx_session", "value": sign_in("petra")["token"], "url": server().url}])
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/platform/backups")
        slug = world.acme.slug
        page.get_by_test_id("backup-new").click()
        page.get_by_label("Short name", exact=True).fill(slug)
        page.get_by_test_id("backup-start").click()
        row = page.get_by_test_id("backup-row").filter(has_text=slug).first
        expect(row).to_contain_text("done", timeout=30_000)
        row.get_by_test_id("backup-drill").click()
        expect(row).to_contain_text("can be restored", timeout=30_000)
        row.get_by_test_id("backup-restore").click()
        page.get_by_label("In its place").check()
        page.get_by_label("Type the organisation's short name").fill("something else")
        page.get_by_test_id("backup-restore-go").click()
        expect(page.locator("#restore-error")).to_contain_text(f"Type {slug}")
        page.get_by_label("Beside it").check()
        page.get_by_label("Short name of the copy").fill(f"{slug}-p")
        page.get_by_test_id("backup-restore-go").click()
        asked = page.get_by_test_id("backup-request").filter(has_text=f"as {slug}-p")
        expect(asked).to_contain_text("done", timeout=30_000)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert [said for said in complaints if "422" not in said] == []
    finally:
        context.close()
    assert client_of("petra").get(f"/api/v1/tenants?q={slug}-p").get_json()["data"][0]["status"] == "active"
