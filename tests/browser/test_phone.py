"""Every page fits a narrow phone: read from the URL map, so that a new page is walked, too (U6)."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser
NARROW = {"width": 360, "height": 780}
NO_PAGES = re.compile(r"^/(api|static|scim|healthz|readyz|metrics|socket\.io|admin/people/edit/)")
# What is found where everything hangs together: the outermost that stick out.
TOO_WIDE = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
    .slice(0, 3).map((one) => `${one.localName}.${one.className}#${one.id}`)"""
DRAWN = """() => document.readyState === "complete" &&
  ![...document.querySelectorAll("[role=status]")].some((one) => one.checkVisibility() && one.textContent === "Loading…")"""


def _pages(app, world) -> dict[str | None, list[str]]:
    """Which pages each of the cast walks through; None: nobody who is signed in."""
    found: dict[str | None, list[str]] = {None: ["/login", "/reset", "/invitation"]}
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments and not NO_PAGES.match(rule.rule):
            who = next((name for start, name in _WHO.items() if rule.rule.startswith(start)), "alice")
            if rule.rule not in found[None]:
                found.setdefault(who, []).append(rule.rule)
    found["dana"].append(f"/admin/people/edit/?id={world.bob.id}")
    found["petra"].append(f"/platform/tenants/{world.acme.id}")
    return found


_WHO = {"/admin": "dana", "/jobs": "dana", "/audit": "carol", "/platform": "petra"}


def test_no_page_is_wider_than_a_narrow_phone(app, browser, server, sign_in, world):
    walked, wrong = [], {}
    house = server()
    with browser.new_context(base_url=house.url, locale="en-US", viewport=NARROW) as context:
        page = context.new_page()
        for name, paths in _pages(app, world).items():
            context.clear_cookies()
            if name is not None:
                context.add_cookies([{"name": "onyx_session", "value": sign_in(name)["token"], "url": house.url}])
            for path in paths:
                answer = page.goto(path)
                assert answer is not None and answer.status == 200, (name, path)
                page.wait_for_function(DRAWN)
                walked.append(path)
                if out := page.evaluate(TOO_WIDE):
                    wrong[path] = out
    assert wrong == {}, "these stick out on the right (see .stack and minmax(min(…, 100%), 1fr) in static/css)"
    assert len(walked) >= 35
