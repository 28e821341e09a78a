"""Deleting somebody whose files others read, in a real browser: wide and dark, narrow and light."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import barriers
from tests.console.test_browser import visit  # noqa: F401
from tests.projects.test_sharing import read, shared_project

pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.mark.parametrize(("theme", "width"), [("dark", 1300), ("light", 390)])
def test_whoever_deletes_says_who_goes_on(visit, client_of, world, theme, width):  # noqa: F811
    alice, bob = client_of("alice"), client_of("bob")
    project, (file, _) = shared_project(alice, world.bob.email, files=2)
    alice.post(f"/api/v1/projects/{project}/members", json={"email": world.lee.email})
    dana = visit("dana")
    dana.set_viewport_size({"width": width, "height": 800})
    dana.emulate_media(color_scheme=theme)
    dana.goto(f"/admin/people/edit/?id={world.alice.id}")
    dana.get_by_test_id("person-delete").click()
    dialog, choice = dana.get_by_test_id("confirm-dialog"), dana.get_by_test_id("confirm-choice")
    expect(dialog).to_contain_text("With this person go 1 live session.")
    expect(dialog).to_contain_text("read 1 project of theirs with 2 files. Who goes on with it?")
    expect(choice.locator("optgroup").first.locator("option")).to_have_count(2)
    expect(choice.locator("option").first).to_contain_text(world.bob.email)
    expect(choice.locator("option").last).to_have_text("Nobody: others lose it")
    assert barriers(dana) == []
    assert dialog.evaluate("d => d.scrollWidth <= d.clientWidth && document.documentElement.scrollWidth <= innerWidth")
    choice.select_option(label=choice.locator("option").nth(1).inner_text())  # Lee, who reads as well
    dana.get_by_label("Type the person's e-mail to go on").fill(world.alice.email)
    dana.get_by_test_id("confirm-ok").click()
    dana.wait_for_url("**/admin/people/")
    lee = client_of("lee")
    assert [one["id"] for one in lee.get("/api/v1/projects").get_json()["data"]] == [project]
    assert read(bob, file).status_code == read(lee, file).status_code == 200
