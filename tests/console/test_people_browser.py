"""Inviting and putting roles together, in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from onyx.core.clock import now, rfc3339
from tests.browser.axe import barriers
from tests.console.test_browser import visit  # noqa: F401
from tests.roles.conftest import give

pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_from_an_invitation_to_a_role_that_changes_under_an_open_page(visit, browser, world):  # noqa: F811
    dana = visit("dana")
    email = f"nora@{world.acme.slug}.example"
    dana.goto("/admin/invitations/")
    expect(dana.get_by_text("No invitation is open.")).to_be_visible()
    dana.get_by_test_id("invite").click()
    dana.get_by_label("E-mail").fill(email)
    dana.get_by_label("Name", exact=True).fill("Nora New")
    dana.get_by_test_id("invite-send").click()
    expect(dana.get_by_test_id("invitation-link")).to_contain_text("/invitation#")
    link = dana.get_by_test_id("invitation-link").inner_text()
    dana.get_by_role("button", name="I have handed it over").click()
    expect(dana.get_by_test_id("invitation-row")).to_have_count(1)

    guest = browser.new_context(base_url=link.partition("/invitation")[0], locale="en-US")
    try:
        nora = guest.new_page()
        nora.goto(link)
        expect(nora.get_by_test_id("invitation-text")).to_contain_text("Acme Industries invites you")
        nora.get_by_label("A password").fill("short")
        nora.get_by_test_id("invitation-submit").click()
        expect(nora.get_by_test_id("invitation-error")).to_contain_text("12")
        nora.get_by_label("A password").fill("a rather long sentence")
        nora.get_by_test_id("invitation-submit").click()
        nora.wait_for_url(lambda url: "/invitation" not in url)
        again = guest.new_page()
        again.goto(link)
        expect(again.get_by_test_id("invitation-text")).to_contain_text("does not hold")

        _make_and_give_a_role(dana, email)
        nora.goto("/admin/people/")
        expect(nora.get_by_role("heading", name="People")).to_be_visible()
        _take_people_out_of_it(dana, email)
        nora.reload()
        expect(nora.get_by_role("heading", name="People")).to_have_count(0)
    finally:
        guest.close()


def _make_and_give_a_role(dana, email):
    dana.goto("/admin/roles/")
    dana.get_by_test_id("role-new").click()
    dana.get_by_label("Name", exact=True).fill("Service Desk")
    dana.get_by_test_id("permission-users:read").check()
    expect(dana.get_by_test_id("role-preview")).to_contain_text("It allows: “See the people of the organisation”.")
    expect(dana.get_by_test_id("permission-audit:read")).to_be_disabled()
    dana.get_by_test_id("role-save").click()
    expect(dana.get_by_test_id("role-row").filter(has_text="Service Desk")).to_have_count(1)
    dana.goto("/admin/people/?search=nora")
    dana.get_by_role("link", name="Nora New", exact=True).click()
    dana.get_by_label("Role", exact=True).select_option("service-desk")
    dana.get_by_label("Ends at").fill("2099-01-01T00:00")
    dana.get_by_test_id("limited-grant").click()
    expect(dana.get_by_test_id("role-ends")).to_contain_text("service-desk")


def _take_people_out_of_it(dana, email):
    dana.goto("/admin/roles/")
    dana.get_by_role("button", name="Change Service Desk").click()
    dana.get_by_test_id("permission-users:read").uncheck()
    dana.get_by_test_id("permission-chat:use").check()
    expect(dana.get_by_test_id("role-preview")).to_contain_text(
        f"1 person loses “See the people of the organisation” ({email})"
    )
    dana.get_by_test_id("role-save").click()
    row = dana.get_by_test_id("role-row").filter(has_text="Service Desk")
    expect(row).to_contain_text("chat:use")


def test_people_come_from_a_file_and_sessions_have_a_policy_and_a_timeline(visit, world):  # noqa: F811
    dana = visit("dana")
    dana.goto("/admin/people/")
    dana.get_by_test_id("people-import").click()
    text = f"email,display_name,roles\nnora@{world.acme.slug}.example,Nora,user\nnonsense,,\n"
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
    dana.get_by_label("File").set_input_files(file)
    dana.get_by_test_id("import-check").click()
    expect(dana.get_by_test_id("import-told")).to_contain_text("1 of 2 people would be taken in; refused 1")
    expect(dana.get_by_test_id("import-refused")).to_contain_text("line 3, nonsense: Give an e-mail address.")
    dana.get_by_test_id("import-go").click()
    expect(dana.get_by_test_id("import-told")).to_contain_text("1 of 2 people were taken in")
    with dana.expect_download() as saved:
        dana.get_by_role("link", name="Save the result").click()
    with open(saved.value.path()) as result:
        assert "/invitation#" in result.read()
    with dana.expect_download() as exported:
        dana.goto("/admin/people/")
        dana.get_by_test_id("people-export").click()
    with open(exported.value.path()) as people:
        assert world.alice.email in people.read()

    visit("alice")
    dana.goto("/admin/sessions/")
    row = dana.get_by_test_id("live-session-row").filter(has_text=world.alice.email)
    row.get_by_test_id("session-timeline").click()
    expect(dana.get_by_test_id("timeline-lines")).to_contain_text("Signed in")
    dana.get_by_role("button", name="Close").click()
    dana.get_by_test_id("sessions-age").select_option(label="More than a day ago")
    expect(dana.get_by_text("Nobody that fits is signed in now.")).to_be_visible()
    dana.goto("/admin/session-policy/")
    dana.get_by_label("Sessions that one person may have at once").fill("1")
    dana.get_by_test_id("policy-save").click()
    expect(dana.get_by_text("Saved. It holds for everybody from now on.")).to_be_visible()


def test_who_administers_for_a_time_is_offered_the_latest_end(visit, client_of, world):  # noqa: F811
    end = rfc3339(now() + timedelta(hours=5))
    given = give(client_of("dana"), world.alice, "user", "admin", until={"admin": end})
    assert given.status_code == 200, given.text
    alice = visit("alice")
    alice.goto(f"/admin/people/edit/?id={world.bob.id}")
    expect(alice.get_by_test_id("role-admin-ends")).to_contain_text("You hold this until")
    form = alice.locator("#limited-form")
    form.get_by_label("Role").select_option("curator")
    expect(form).not_to_contain_text("so it ends then")
    form.get_by_label("Role").select_option("admin")
    expect(form).to_contain_text("so it ends then at the latest")
    assert form.get_by_label("Ends at").input_value() == form.get_by_label("Ends at").get_attribute("max") != ""
    alice.get_by_test_id("limited-grant").click()
    alice.wait_for_url("**saved=1**")
    expect(alice.get_by_test_id("role-ends")).to_contain_text("admin")


def test_of_two_devices_one_too_many_is_told_why(visit, client_of):  # noqa: F811
    assert client_of("dana").patch("/api/v1/settings/sessions", json={"session_max_concurrent": 1}).status_code == 200
    first = visit("alice")
    visit("alice")
    first.wait_for_url("**/login?reason=too_many_sessions*")
    expect(first.get_by_test_id("login-reason")).to_contain_text("more devices than your organisation allows")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_meet_wcag_aa(visit, client_of, theme):  # noqa: F811
    client_of("dana").post("/api/v1/roles", json={"name": "Desk", "permissions": ["users:read"]})
    client_of("dana").post("/api/v1/invitations", json={"email": "nora@acme.example"})
    dana = visit("dana")
    dana.emulate_media(color_scheme=theme)
    found = []
    for path, button in (
        ("/admin/roles/", "role-new"), ("/admin/invitations/", "invite"), ("/admin/people/", "people-import"),
        ("/admin/session-policy/", None), ("/admin/sessions/", None), ("/invitation", None),
    ):  # fmt: skip
        dana.goto(path, wait_until="networkidle")
        for click in (None, button):
            if click:
                dana.get_by_test_id(click).click()
                expect(dana.locator("dialog[open]")).to_be_visible()
            found += barriers(dana)
    assert found == []
