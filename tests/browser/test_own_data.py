"""Settings → Your data, as a person meets it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.cast import World

pytestmark = pytest.mark.browser


def test_one_takes_everything_along_and_erases_oneself(
    page_of: Callable[..., Page], tmp_path: Path, world: World
) -> None:
    page = page_of("bob")
    page.goto("/settings")
    page.get_by_role("link", name="Your data").click()
    expect(page.get_by_test_id("data-download")).to_be_visible()
    assert barriers(page) == []
    with page.expect_download() as download:
        page.get_by_test_id("data-download").click()
    assert download.value.suggested_filename == "onyx-my-data.zip"

    page.get_by_test_id("erase-email").fill("somebody@else.example")
    page.get_by_test_id("erase-account").click()
    expect(page.locator("#erase-form [data-form-error]")).to_contain_text("your own e-mail")
    page.get_by_test_id("erase-email").fill(world.bob.email)
    page.get_by_test_id("erase-account").click()
    expect(page.get_by_test_id("erased")).to_be_visible()
    page.wait_for_timeout(2_500)  # the socket has told by now that the session is over
    expect(page.get_by_test_id("erase-certificate")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_test_id("erase-certificate").click()
    download.value.save_as(tmp_path / "certificate.json")
    certificate = json.loads((tmp_path / "certificate.json").read_text())
    assert certificate["kind"] == "onyx.erasure-certificate/1" and certificate["signature"]["algorithm"] == "Ed25519"
    page.get_by_role("link", name="Leave").click()
    expect(page).to_have_url(re.compile(r"/login\?reason=erased"))
    expect(page.get_by_text("Your account was erased")).to_be_visible()
