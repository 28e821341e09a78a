"""Whether everybody can read a page: axe, on a page that has come to rest."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Colours fade, and what is half transparent has too little contrast; what turns for ever is not waited for.
RESTS = """() => document.readyState === "complete" &&
  ![...document.querySelectorAll("[role=status]")].some((one) => one.checkVisibility() && one.textContent === "Loading…") &&
  document.getAnimations().every((one) => one.playState !== "running" || one.effect?.getComputedTiming().endTime === Infinity)"""


def at_rest(page: Page) -> None:
    """Wait until a page is loaded, drawn and still.

    After a click that leads elsewhere, wait first for what the new page shows, or this looks at the old one.
    """
    page.wait_for_load_state()
    page.wait_for_function(RESTS)


def barriers(page: Page) -> list[str]:
    """What axe finds on a page, a line each."""
    at_rest(page)
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {one['id']} {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]
