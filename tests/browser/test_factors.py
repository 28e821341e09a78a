"""Second factors as people meet them: set up, sign in, confirm; a passkey in Chromium's virtual authenticator."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import barriers
from tests.cast import Person, Tenant, World

Visit = Callable[..., Page]
pytestmark = pytest.mark.browser


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


@pytest.fixture
def stale(owner: psycopg.Connection[Any]) -> Callable[[Tenant], None]:
    """Let all login sessions of an organisation be older than a confirmation lasts."""

    def age(tenant: Tenant) -> None:
        owner.execute(
            f"update {tenant.schema}.login_session set created_at = now() - interval '11 minutes' where state = 'active'"
        )
        owner.execute(f"delete from {tenant.schema}.confirmation")

    return age


@pytest.fixture
def at_localhost(browser: Browser, server: Callable[..., Any]) -> Iterator[Callable[[], Page]]:
    """A page on http://localhost, where passkeys work without TLS, with an authenticator in the device."""
    contexts = []

    def open_page() -> Page:
        base = server().url.replace("127.0.0.1", "localhost")
        context = browser.new_context(locale="en-US", timezone_id="UTC", base_url=base)
        contexts.append(context)
        page = context.new_page()
        device = context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
        device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_enrolment_then_signing_in_with_a_code_then_a_confirmation(page_of: Visit, stale, world: World) -> None:
    dana = page_of("dana")
    generator, codes = _set_up_app(dana)
    _sign_out(dana)

    _first_step(dana, world.dana)
    code = dana.get_by_test_id("factor-code")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    assert barriers(dana) == []
    code.fill("000000")
    dana.get_by_test_id("factor-submit").click()
    expect(dana.get_by_test_id("login-error")).to_contain_text("wrong or was used")
    code.fill(generator.at(time.time() + 30))
    dana.get_by_test_id("factor-submit").click()
    dana.wait_for_url(re.compile(r"/admin/$"))

    _a_role_change_asks_who_it_is(dana, lambda: stale(world.acme), codes[0], world.dana.password)


def _a_role_change_asks_who_it_is(dana: Page, stale: Callable[[], None], code: str, password: str) -> None:
    stale()
    dana.goto("/admin/people/")
    dana.get_by_role("link", name="Bob").first.click()
    dana.get_by_label("Curator").check()
    dana.get_by_test_id("person-save").click()
    dialog = dana.get_by_test_id("step-up-dialog")
    expect(dialog).to_be_visible()
    assert barriers(dana) == []
    dana.get_by_test_id("step-up-password").fill("not my password")
    dana.get_by_test_id("step-up-ok").click()
    expect(dialog).to_contain_text("This is not your password")
    dana.get_by_test_id("step-up-code").fill(code)
    dana.get_by_test_id("step-up-ok").click()
    dana.wait_for_url(re.compile("saved=1"))
    expect(dana.get_by_label("Curator")).to_be_checked()

    stale()  # the same for what a script sends: asked, confirmed, done, without a second click
    dana.get_by_test_id("person-reset-link").click()
    dana.get_by_test_id("confirm-ok").click()
    expect(dialog).to_be_visible()
    dana.get_by_test_id("step-up-cancel").click()
    expect(dana.locator("#person-error")).to_contain_text("Confirm that it is you")
    dana.get_by_test_id("person-reset-link").click()
    dana.get_by_test_id("confirm-ok").click()
    dana.get_by_test_id("step-up-password").fill(password)
    dana.get_by_test_id("step-up-ok").click()
    expect(dana.get_by_test_id("one-time-password")).to_contain_text("/reset#")

    for act, other in (("suspend", "reactivate"), ("reactivate", "suspend")):
        stale()
        dana.get_by_test_id(f"person-{act}").click()
        dana.get_by_test_id("confirm-ok").click()
        dana.get_by_test_id("step-up-password").fill(password)
        dana.get_by_test_id("step-up-ok").click()
        expect(dana.get_by_test_id(f"person-{other}")).to_be_visible()


def test_a_link_sets_a_new_password(page_of: Visit, server, world: World, browser: Browser) -> None:
    greta = page_of("greta")
    greta.goto("/admin/people/")
    greta.get_by_role("link", name="Mallory").first.click()
    greta.get_by_test_id("person-reset-link").click()
    greta.get_by_test_id("confirm-ok").click()
    expect(greta.get_by_test_id("one-time-password")).to_contain_text("/reset#")
    link = greta.get_by_test_id("one-time-password").inner_text()

    context = browser.new_context(base_url=server().url)
    page = context.new_page()
    page.goto(link)
    expect(page).not_to_have_url(re.compile("#"))  # the token must not stay in the address
    assert barriers(page) == []
    page.get_by_test_id("reset-new").fill("seven quiet lighthouses at dusk")
    page.get_by_test_id("reset-again").fill("seven quiet lighthouses at dawn")
    page.get_by_test_id("reset-save").click()
    expect(page.get_by_test_id("reset-error")).to_contain_text("differ")
    page.get_by_test_id("reset-again").fill("seven quiet lighthouses at dusk")
    page.get_by_test_id("reset-save").click()
    page.wait_for_url(re.compile("reason=password_set"))
    page.get_by_test_id("login-email").fill(world.mallory.email)
    page.get_by_test_id("login-password").fill("seven quiet lighthouses at dusk")
    page.get_by_test_id("login-submit").click()
    page.wait_for_url(lambda url: "/login" not in url)
    context.close()


def test_a_passkey_signs_in_and_confirms(at_localhost, stale, world: World) -> None:
    page = at_localhost()
    _first_step(page, world.greta)
    page.wait_for_url(re.compile("/admin/"))
    page.goto("/settings")
    page.get_by_test_id("passkey-add").click()
    page.locator("#confirm-input").fill("This laptop")
    page.get_by_test_id("confirm-ok").click()
    expect(page.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    page.get_by_test_id("codes-kept").click()
    expect(page.get_by_test_id("factor")).to_contain_text("This laptop")
    _sign_out(page)

    _first_step(page, world.greta)
    page.get_by_test_id("factor-passkey").click()
    page.wait_for_url(re.compile("/admin/"))
    _sign_out(page)
    page.get_by_test_id("login-passkey").click()
    page.wait_for_url(re.compile("/admin/"))

    stale(world.globex)
    page.goto("/settings")
    page.get_by_test_id("factor-remove").click()
    page.get_by_test_id("confirm-ok").click()
    page.get_by_test_id("step-up-passkey").click()
    expect(page.get_by_test_id("factor")).to_have_count(0)


def test_an_organisation_that_requires_a_factor_leads_people_to_it(page_of: Visit, owner, world: World) -> None:
    admin, again = page_of("dana"), page_of("dana")
    admin.goto("/admin/")
    admin.get_by_test_id("require-factor").check()
    admin.get_by_test_id("confirm-ok").click()
    expect(admin.get_by_text("Set up a second factor of your own first")).to_be_visible()
    expect(admin.get_by_test_id("require-factor")).not_to_be_checked()
    _set_up_app(admin)
    admin.goto("/admin/")
    admin.get_by_test_id("require-factor").check()
    admin.get_by_test_id("confirm-ok").click()
    expect(admin.get_by_test_id("notice").last).to_contain_text("Everybody needs")

    # Whose only factor an operator took away: every page leads to the one where a new one is set up.
    owner.execute(f"alter table {world.acme.schema}.totp disable trigger recorded")
    owner.execute(f"delete from {world.acme.schema}.totp")
    owner.execute(f"alter table {world.acme.schema}.totp enable trigger recorded")
    _sign_out(again)
    _first_step(again, world.dana)
    again.wait_for_url(re.compile("/settings/factor"))
    expect(again.get_by_text("requires a second factor")).to_be_visible()
    assert barriers(again) == []
    again.goto("/admin/people/")
    again.wait_for_url(re.compile("/settings/factor"))
    _turn_app_on(again)
    again.get_by_test_id("codes-kept").click()
    again.wait_for_url(lambda url: "/settings/factor" not in url)


def _set_up_app(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    page.goto("/settings")
    generator = _turn_app_on(page)
    listed = page.get_by_test_id("recovery-codes").locator("li")
    expect(listed).to_have_count(10)
    codes = listed.all_inner_texts()
    assert barriers(page) == []
    page.get_by_test_id("codes-kept").click()
    expect(page.get_by_test_id("factor")).to_contain_text("Authenticator app")
    return generator, codes


def _turn_app_on(page: Page) -> pyotp.TOTP:
    page.get_by_test_id("totp-begin").click()
    expect(page.locator("#totp-qr")).to_be_visible()
    assert page.locator("#totp-qr").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
    generator = pyotp.TOTP(page.get_by_test_id("totp-secret").inner_text().replace(" ", ""))
    page.get_by_test_id("totp-code").fill(generator.now())
    page.get_by_test_id("totp-confirm").click()
    return generator


def _sign_out(page: Page) -> None:
    page.evaluate("() => document.querySelector('[data-sign-out]').click()")
    page.wait_for_url(re.compile("/login"))


def _first_step(page: Page, person: Person) -> None:
    page.goto("/login")
    page.get_by_test_id("login-email").fill(person.email)
    page.get_by_test_id("login-password").fill(person.password)
    page.get_by_test_id("login-submit").click()
