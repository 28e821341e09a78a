"""The public conformance tester, whole, against a real server (I7)."""

from __future__ import annotations

import random
from io import BytesIO
from typing import Any

import pytest
import requests
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

PASSED_ON = ("CONTENT_TYPE", "HTTP_ACCEPT", "HTTP_AUTHORIZATION")


class Through:
    """A WSGI application that hands each request to a server over HTTP: scim2-client's own engine for this is httpx."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        self.seen: list[int] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): environ[name] for name in PASSED_ON if environ.get(name)
        }
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        sent = environ.get("wsgi.input", BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = self.http.request(
            environ["REQUEST_METHOD"],
            f"{self.url}{environ['PATH_INFO']}{query}",
            data=sent or None,
            headers=headers,
            timeout=600,
        )
        self.seen.append(answer.status_code)
        start_response(
            f"{answer.status_code} {answer.reason}", [("Content-Type", answer.headers.get("Content-Type", ""))]
        )
        return [answer.content]


@pytest.mark.slow
def test_scim2_tester_passes_whole(server, client_of):
    made = client_of("dana").post("/api/v1/api-keys", json={"name": "directory", "permissions": ["scim:provision"]})
    key = made.get_json()["data"]["key"]
    random.seed(7)  # it draws values of every kind: the same ones each time
    through = Through(server().url)
    client = WSGISCIMClient(through, base_url=f"{server().url}/scim/v2", headers={"Authorization": f"Bearer {key}"})
    results = check_server(client)
    wrong = [f"{one.title} {one.resource_type or ''}: {one.reason}" for one in results if one.status != Status.SUCCESS]
    assert not wrong, "\n".join(wrong)
    assert len(results) > 40 and len(through.seen) > 80
