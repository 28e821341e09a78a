"""A provider, two Onyx processes that may reach it, and people's browsers."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.server import Server
from tests.sso.idp import Provider
from tests.waiting import PATIENT

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


@pytest.fixture(scope="module")
def idp():
    made = Provider()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def honest(idp):
    """Each test begins with a provider that says nothing wrong."""
    idp.claims, idp.sign, idp.calls_itself, idp.person = {}, None, None, {}
    idp.asked.clear()


@pytest.fixture(scope="module")
def place(serving, var):
    """Onyx on two processes, allowed to reach providers on this machine."""
    made = Server({**serving, "SSO_PRIVATE_ISSUERS": "true"}, var, 2)
    yield made
    made.stop()


@pytest.fixture
def set_up(place, sign_in, idp, world):
    """Acme's administrator sets up the provider."""

    def save(**more: Any) -> requests.Response:
        idp.client.redirect_uris = [f"{place.url}/login/sso/{world[n].tenant.slug}/callback" for n in ("dana", "greta")]
        sent = {
            "issuer": idp.url, "client_id": idp.client.client_id, "client_secret": idp.client.client_secret,
            "domains": ["acme.example"], **more,
        }  # fmt: skip
        with place.http(sign_in("dana")["token"]) as http:
            return http.put("/api/v1/sso", json=sent)

    return save


class Browser(requests.Session):
    """Follows redirects, keeps cookies, and tells why it landed on the sign-in page."""

    def __init__(self, place: Server) -> None:
        super().__init__()
        self.trust_env = False
        self.place = place

    def go(self, path: str, **more: Any) -> requests.Response:
        more.setdefault("timeout", PATIENT)
        if path.startswith("/login/sso/"):  # what a browser says of a link that somebody pressed on a page of Onyx
            more.setdefault("headers", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"})
        url = path if path.startswith("http") else self.place.url + path
        return self.get(url, **more)

    def enter(self, slug: str) -> str:
        """Sign in by single sign-on; the path (and reason) where it ends."""
        parts = urlsplit(self.go(f"/login/sso/{slug}").url)
        return parse_qs(parts.query)["reason"][0] if parts.path == "/login" else parts.path

    def me(self) -> dict[str, Any] | None:
        answer = self.go("/api/v1/users/me")
        return answer.json()["data"] if answer.ok else None


@pytest.fixture
def visitor(place):
    made: list[Browser] = []

    def open_one() -> Browser:
        made.append(Browser(place))
        return made[-1]

    yield open_one
    for one in made:
        one.close()
