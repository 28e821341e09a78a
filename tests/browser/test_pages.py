"""The pages of every person: what is typed is never lost, an answer brings no markup of its own, everyone can read them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.cast import World

Visit = Callable[..., Page]
pytestmark = pytest.mark.browser
DONE = '[data-testid="message"][data-role="assistant"][data-status="done"]'
HOSTILE = {
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
    "[a](javascript:alert(1))": "<p>a</p>",
    "[a](data:text/html,x)": "<p>a</p>",
    "[a](/api/v1/files)": "<p>a</p>",
    "[a](//elsewhere.example)": "<p>a</p>",
    "![seen](https://elsewhere.example/pixel.png)": "<p>seen</p>",
    '[a](https://ok.example "x\\" onclick=alert(1)")':
        '<p><a href="https://ok.example" rel="noopener noreferrer" target="_blank">a</a></p>',
    '```" onmouseover=alert(1)\n<b>\n```': '<pre><code class="hljs">&lt;b&gt;</code></pre>',
}  # fmt: skip
RENDER = """async (texts) => {
  const page = document.querySelector('script[src*="js/chat.js"]').src;
  const { render } = await import(page.replace("chat.js", "markdown.js"));
  return texts.map((text) => {
    const box = document.createElement("div");
    box.append(render(text));
    return box.innerHTML.trim();
  });
}"""


def test_what_is_typed_without_a_connection_arrives_once_and_in_order(page_of: Visit) -> None:
    alice = page_of("alice")
    _connected(alice)
    alice.context.set_offline(True)
    expect(alice.get_by_test_id("connection")).to_have_attribute("data-state", "offline")
    for words in ("first", "second", "third"):
        alice.get_by_test_id("composer").fill(f"{words} while away")
        alice.get_by_test_id("composer").press("Enter")
    expect(alice.get_by_test_id("message")).to_have_count(3)
    alice.context.set_offline(False)

    expect(alice.locator(DONE)).to_have_count(3)
    alice.reload()
    expect(alice.locator(DONE)).to_have_count(3)
    asked = alice.locator('[data-testid="message"][data-role="user"] .message-text').all_inner_texts()
    assert asked == ["first while away", "second while away", "third while away"]
    assert alice.evaluate("() => Object.keys(localStorage).filter((key) => key.includes('outbox'))") == []


def test_a_second_device_sees_the_same_chat_as_it_happens(page_of: Visit) -> None:
    laptop, phone = page_of("bob"), page_of("bob", viewport={"width": 390, "height": 800})
    _connected(laptop)
    _ask(laptop, "What can you do?")
    phone.goto(laptop.url)
    _connected(phone)

    phone.get_by_test_id("composer").press_sequentially("And what")
    expect(laptop.get_by_test_id("typing")).to_be_visible()
    phone.get_by_test_id("composer").press_sequentially(" can you not do?\n")
    expect(laptop.locator(DONE)).to_have_count(2)
    expect(laptop.get_by_test_id("typing")).to_be_hidden()
    expect(phone.locator(DONE)).to_have_count(2)
    assert _texts(laptop) == _texts(phone)


def test_an_answer_brings_no_markup_of_its_own(page_of: Visit) -> None:
    lee = page_of("lee")
    _connected(lee)
    shown = lee.evaluate(RENDER, list(HOSTILE))
    assert dict(zip(HOSTILE, shown, strict=True)) == HOSTILE


def test_any_open_page_leaves_when_its_session_is_ended(page_of: Visit) -> None:
    here, there = page_of("cleo"), page_of("cleo")
    there.goto("/settings")
    here.goto("/settings/sessions")
    here.get_by_test_id("session-end-others").click()
    here.get_by_test_id("confirm-ok").click()
    there.wait_for_url(re.compile(r"/login\?reason=revoked_by_you"))
    expect(there.get_by_test_id("login-reason")).to_contain_text("on another device")
    expect(here.get_by_test_id("session-row")).to_have_count(1)


def test_a_chosen_theme_is_in_every_page_that_the_server_sends(page_of: Visit) -> None:
    dana = page_of("dana")
    dana.goto("/settings")
    dana.get_by_role("button", name="Dark").click()
    for path in ("/settings", "/files", "/admin/"):
        assert 'data-bs-theme="dark"' in dana.request.get(path).text()


def test_signing_in_never_leads_to_another_site(page_of: Visit, world: World) -> None:
    stranger = page_of("alice")
    stranger.goto("about:blank")
    stranger.context.clear_cookies()
    for elsewhere in (
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
    ):
        stranger.goto(f"/login?next={elsewhere}")
        stranger.get_by_test_id("login-email").fill(world.alice.email)
        stranger.get_by_test_id("login-password").fill(world.alice.password)
        stranger.get_by_test_id("login-submit").click()
        stranger.wait_for_url(lambda url: "/login" not in url)
        assert stranger.evaluate("() => location.pathname") == "/"
        stranger.goto("about:blank")  # so that the page does not notice, and leave by itself
        stranger.context.clear_cookies()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_meet_wcag_aa(page_of: Visit, theme: str) -> None:
    alice = page_of("alice", color_scheme=theme)
    _connected(alice)
    _ask(alice, "What can you do?")
    found = []
    for path in (None, "/", "/files", "/settings", "/settings/sessions", "/login?reason=idle", "/nowhere"):
        if path:
            alice.goto(path, wait_until="networkidle")
        found += barriers(alice)
    assert found == []


def _connected(page: Page) -> None:
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected")


def _ask(page: Page, question: str) -> None:
    page.get_by_test_id("composer").fill(question)
    page.get_by_test_id("send").click()
    expect(page.locator(DONE)).to_have_count(1)


def _texts(page: Page) -> list[str]:
    return page.locator('[data-testid="message"] .message-text').all_inner_texts()
