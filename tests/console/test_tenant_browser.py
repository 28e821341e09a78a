"""An organisation in a browser: put away, brought back, and deleted in two steps (T1)."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import barriers
from tests.console.test_browser import visit  # noqa: F401
from tests.tenants.conftest import means, nothing_asked, steward  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_an_organisation_is_suspended_noted_and_deleted_in_two_steps(visit, world, steward):  # noqa: F811
    alice, petra = visit("alice"), visit("petra")
    petra.goto(f"/platform/tenants/{world.acme.id}")
    petra.get_by_label("Notes of the platform’s admins").fill("Contract ends in June.")
    with petra.expect_navigation():  # it comes again; what is clicked before is lost
        petra.get_by_test_id("tenant-save").click()
    expect(petra.get_by_label("Notes of the platform’s admins")).to_have_value("Contract ends in June.")

    petra.get_by_test_id("tenant-suspend").click()
    petra.get_by_test_id("confirm-ok").click()
    alice.wait_for_url("**/login?reason=tenant_suspended*")
    expect(petra.get_by_text("acknowledged in")).to_be_visible()
    expect(petra.get_by_test_id("tenant-status")).to_have_text("suspended")

    petra.get_by_test_id("tenant-delete").click()
    petra.get_by_label(f"Type the short name, {world.acme.slug}").fill("acme")
    petra.get_by_test_id("delete-ok").click()
    expect(petra.locator("#delete-error")).to_contain_text(world.acme.slug)
    petra.get_by_label(f"Type the short name, {world.acme.slug}").fill(world.acme.slug)
    petra.get_by_label("Why").fill("Contract over")
    petra.get_by_test_id("delete-ok").click()
    expect(petra.get_by_test_id("deletion-card")).to_contain_text("Contract over")
    assert barriers(petra) == []

    petra.get_by_test_id("deletion-confirm").click()
    petra.get_by_label(f"Type the short name, {world.acme.slug}").fill(world.acme.slug)
    petra.get_by_test_id("delete-ok").click()
    petra.wait_for_url("**/platform/deletions/*")
    expect(petra.get_by_test_id("deletion-state")).to_have_text("done")
    assert barriers(petra) == []
    with petra.expect_download() as waiting:
        petra.get_by_test_id("certificate").click()
    assert world.acme.slug in waiting.value.suggested_filename
    petra.goto("/platform/deletions")
    expect(petra.get_by_test_id("deletion-row").filter(has_text=world.acme.slug)).to_have_count(1)


def test_the_first_administrator_comes_by_a_link(visit, world, steward):  # noqa: F811
    petra = visit("petra")
    slug = f"new-{world.acme.slug}"
    petra.goto("/platform/")
    petra.get_by_test_id("tenant-new").click()
    petra.get_by_label("Name", exact=True).fill("New Ones")
    petra.get_by_label("Short name").fill(slug)
    petra.get_by_label("E-mail of the first administrator").fill(f"boss@{slug}.example")
    petra.get_by_test_id("tenant-create").click()
    expect(petra.get_by_test_id("invitation-link")).to_contain_text("/invitation#")
