"""The platform's page of backups in a real browser, with the steward at work behind it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from onyx.backups.operations import LONG, Operations
from onyx.tenancy import steward
from tests.browser.axe import barriers

pytestmark = pytest.mark.browser


@pytest.fixture
def at_work(app, owner, owner_url, var):
    """The steward's two functions, over and over, as its process calls them; in the data folder of the server."""
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    settings = app.extensions["onyx"].settings.model_copy(update={"onyx_var": Path(var)})
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


@contextmanager
def opened(browser, server, sign_in):
    """Petra's page of backups, and what the browser complained about."""
    context = browser.new_context(base_url=server().url, accept_downloads=True)
    try:
        context.add_cookies([{"name": "onyx_session", "value": sign_in("petra")["token"], "url": server().url}])
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, complaints
    finally:
        context.close()


def test_petra_saves_tries_and_restores(browser, server, sign_in, world, full, at_work, client_of):
    slug, listed = world.acme.slug, []
    with opened(browser, server, sign_in) as (page, complaints):
        page.on("request", lambda sent: "/api/v1/tenants?" in sent.url and listed.append(sent.url))
        page.goto("/platform/backups", wait_until="networkidle")
        assert listed == [], "a thousand organisations are not listed for a field that nobody has opened"
        page.get_by_test_id("backup-new").click()
        page.get_by_label("Short name", exact=True).fill(slug[:-1])
        expect(page.locator(f"#slugs option[value='{slug}']")).to_have_count(1)
        page.get_by_label("Short name", exact=True).fill(slug)
        page.get_by_test_id("backup-start").click()
        row = page.get_by_test_id("backup-row").filter(has_text=slug).first
        expect(row).to_contain_text("done")
        expect(row.get_by_role("link", name=slug)).to_have_attribute("href", f"/platform/tenants/{world.acme.id}")
        expect(page.get_by_test_id("backup-request").first).to_contain_text(f"Backup of {slug}")
        row.get_by_test_id("backup-drill").click()
        expect(row).to_contain_text("can be restored")
        row.get_by_test_id("backup-restore").click()
        page.get_by_label("In its place").check()
        page.get_by_label("Type the organisation's short name").fill("something else")
        page.get_by_test_id("backup-restore-go").click()
        expect(page.locator("#restore-error")).to_contain_text(f"Type {slug}")
        page.get_by_label("Beside it").check()
        page.get_by_label("Short name of the copy").fill(f"{slug}-p")
        page.get_by_test_id("backup-restore-go").click()
        asked = page.get_by_test_id("backup-request").filter(has_text=f"as {slug}-p")
        expect(asked).to_contain_text("done")
        assert barriers(page) == []
        assert [said for said in complaints if "422" not in said] == []
    assert client_of("petra").get(f"/api/v1/tenants?q={slug}-p").get_json()["data"][0]["status"] == "active"


def test_petra_exports_downloads_and_imports(browser, server, sign_in, world, full, at_work, client_of, tmp_path):
    slug = world.acme.slug
    with opened(browser, server, sign_in) as (page, complaints):
        page.goto("/platform/backups")
        page.get_by_test_id("export-new").click()
        page.get_by_label("Which organisation").fill(slug)
        page.get_by_test_id("export-go").click()
        expect(page.get_by_test_id("export-passphrase")).not_to_be_empty()
        passphrase = page.get_by_test_id("export-passphrase").inner_text()
        page.get_by_role("button", name="I have kept it").click()
        parcel = page.get_by_test_id("parcel").filter(has_text=f"Export of {slug}")
        expect(parcel).to_contain_text("ready")
        with page.expect_download() as coming:
            parcel.get_by_test_id("parcel-download").click()
        file = tmp_path / coming.value.suggested_filename
        coming.value.save_as(file)
        assert file.name.startswith(slug) and file.read_bytes().startswith(b"ONYX ARCHIVE\n")
        page.get_by_test_id("import-new").click()
        page.get_by_test_id("import-file").set_input_files(file)
        page.get_by_test_id("import-go").click()
        expect(page.locator("#import-about")).to_contain_text("Acme Industries")
        page.get_by_label("Short name here").fill(f"{slug}-i")
        page.get_by_label("Passphrase").fill("wrong")
        page.get_by_test_id("import-go").click()
        expect(page.locator("#import-error")).to_contain_text("does not open")
        page.get_by_label("Passphrase").fill(passphrase)
        assert barriers(page) == []
        page.get_by_test_id("import-go").click()
        imported = page.get_by_test_id("backup-request").filter(has_text=f"as {slug}-i")
        expect(imported).to_contain_text("done")
        assert [said for said in complaints if "422" not in said] == []
    assert client_of("petra").get(f"/api/v1/tenants?q={slug}-i").get_json()["data"][0]["people"] == 6


def test_what_the_server_refuses_is_shown(browser, server, sign_in, world):
    """A page that swallows it would look as if nothing had been asked for."""
    with opened(browser, server, sign_in) as (page, _):
        page.route("**/api/v1/backup-requests", lambda route: route.fulfill(status=503, json=_refused("It is away.")))
        page.goto("/platform/backups")
        expect(page.locator("#backups-error")).to_have_text("It is away.")
        page.route("**/api/v1/tenants/*/backups", lambda route: route.fulfill(status=409, json=_refused("Not now.")))
        page.get_by_test_id("backup-new").click()
        page.get_by_label("Short name", exact=True).fill(world.acme.slug)
        page.get_by_test_id("backup-start").click()
        expect(page.locator("#new-error")).to_have_text("Not now.")
        page.get_by_label("Short name", exact=True).fill("nobody-here")
        page.get_by_test_id("backup-start").click()
        expect(page.locator("#new-error")).to_contain_text("no organisation by this short name")


def _refused(message):
    return {"success": False, "error": {"code": "refused", "message": message}}
