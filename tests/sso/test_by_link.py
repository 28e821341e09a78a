"""Links to the sign-in at an organisation's provider, from wherever they come."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit


def test_nobody_is_signed_in_by_following_a_link(set_up, idp, visitor, world):
    """ASVS V7.6.2: somebody presses something here, and a link from elsewhere cannot say that they did."""
    set_up()
    idp.person = {"sub": "sub-ned", "email": "ned@acme.example", "email_verified": True, "name": "Ned North"}
    path, one = f"/login/sso/{world.acme.slug}", visitor()
    for said in (
        {}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"}, {"Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"},
        {"Sec-Fetch-Site": "same-origin"},
    ):  # fmt: skip
        asked = one.go(f"{path}?next=/files", headers=said)
        assert (asked.status_code, urlsplit(asked.url).path) == (200, path) and "Go on" in asked.text
    for forged in ("", "?go=", "?go=x", "?go=" + "A" * 24):
        assert "Go on" in one.go(path + forged, headers={}).text
    assert one.me() is None
    stranger, link = (
        visitor(),
        re.search(r'href="(/login/sso/[^"]+)"', one.go(f"{path}?next=/files", headers={}).text)[1],
    )
    assert "Go on" in stranger.go(html.unescape(link), headers={}).text and stranger.me() is None
    landed = one.go(html.unescape(link), headers={})
    assert urlsplit(landed.url).path == "/files" and one.me() is not None
