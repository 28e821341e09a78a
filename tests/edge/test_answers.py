"""What every answer carries, and what hostile requests get; generated from the URL map where that is possible."""

from __future__ import annotations

import re

import pytest

from onyx.access.policy import permissions_of

CSP = "default-src 'none'"
HOSTILE = {
    "not JSON": b"{nope",
    "deep nesting": b"[" * 50_000,
    "deep objects": b'{"a":' * 50_000,
    "a list": b"[1, 2, 3]",
    "a number": b"7",
    "null": b"null",
    "not UTF-8": b'{"title": "\xff\xfe"}',
    "a NUL": b'{"title": "a\\u0000b", "name": "a\\u0000b", "text": "a\\u0000b", "display_name": "\\u0000"}',
    "a lone surrogate": b'{"title": "\\ud800", "name": "\\udfff", "text": "\\ud800", "display_name": "\\ud800"}',
    "NaN": b'{"title": NaN, "name": Infinity, "text": NaN}',
    "a huge number": b'{"title": 1' + b"0" * 5000 + b"}",
    "wrong types": b'{"title": {"a": 1}, "name": [], "text": 5, "roles": "x", "email": {}, "ids": 3, "op": []}',
    "a huge text": b'{"title": "' + b"x" * 900_000 + b'"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "an odd key": b'{"__proto__": {"x": 1}, "": 1, "\\u0000": 2}',
}
CAST = {"dana": "admin", "carol": "auditor", "alice": "user", "petra": "platform_admin"}
SKIP = {
    "/api/v1/auth/logout",
    "/api/v1/auth/refresh",
    "/api/v1/platform/live-sessions/revoke",
    "/api/v1/live-sessions/revoke",
}


def _writes(app):
    for rule in app.url_map.iter_rules():
        for method in rule.methods & {"POST", "PUT", "PATCH"}:
            if rule.rule.startswith(("/api/", "/chat")) and rule.rule not in SKIP:
                yield method, rule.rule, app.view_functions[rule.endpoint].__dict__["onyx_rule"].permission


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bodies_are_refused_by_every_route_that_takes_one(app, world, client_of, hostile_clients, what):
    for method, rule, permission in _writes(app):
        name = next(
            (n for n, r in CAST.items() if permission and permission in permissions_of((r,), world[n].tenant.slug)),
            "alice",
        )
        path = re.sub(r"<[^>]+>", "00000000-0000-7000-8000-000000000000", rule)
        answer = hostile_clients(name).open(path, method=method, data=HOSTILE[what], content_type="application/json")
        assert answer.status_code < 500, f"{method} {rule}: {answer.text[:300]}"
        if answer.status_code >= 400:
            assert answer.get_json()["success"] is False, f"{method} {rule}: {answer.text[:300]}"
            assert set(answer.get_json()["error"]) <= {"code", "message", "request_id", "fields", "reason"}


@pytest.fixture(scope="module")
def hostile_clients(app, world):
    """Clients that are signed in once for the module."""
    made = {}

    def client(name):
        if name not in made:
            one = app.test_client()
            sent = {"email": world[name].email, "password": world[name].password}
            one.token = one.post("/api/v1/auth/login", json=sent).get_json()["data"]["token"]
            made[name] = one
        return made[name]

    return client


def test_too_large_a_body_is_told_so(client_of):
    answer = client_of("alice").post("/api/v1/projects", data=b"x" * (2 * 1024 * 1024), content_type="application/json")
    assert answer.status_code == 413 and answer.get_json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "path", ["/login", "/api/v1/users/me", "/nowhere", "/api/nowhere", "/healthz", "/", "/settings"]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", ""])
def test_every_answer_carries_the_headers(client_of, path, accept):
    for client in (client_of(None), client_of("alice", by="cookie")):
        answer = client.get(path, headers={"Accept": accept})
        assert CSP in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
        assert "Server" not in answer.headers or "Werkzeug" not in answer.headers["Server"]


def test_the_request_id_is_ours_and_the_same_in_body_and_header(client_of):
    answer = client_of("alice").get("/api/v1/nowhere", headers={"X-Request-ID": "forged\r\n"[:6]})
    assert answer.headers["X-Request-ID"] == answer.get_json()["error"]["request_id"] != "forged"


def test_errors_echo_nothing_that_was_sent(client_of):
    mark = "<script>alert(1)</script>"
    for accept in ("text/html", "application/json"):
        for answer in (
            client_of("alice").get(f"/{mark}", headers={"Accept": accept}),
            client_of("alice").get("/login", query_string={"reason": mark, "next": mark}, headers={"Accept": accept}),
            client_of("alice").post("/api/v1/projects", json={"name": [mark]}, headers={"Accept": accept}),
        ):
            assert mark not in answer.text


def test_a_missing_page_of_a_stranger_tells_no_more_than_one_of_a_member(client_of):
    stranger, member = client_of(None).get("/api/v1/nowhere"), client_of("alice").get("/api/v1/nowhere")
    assert stranger.status_code == member.status_code == 404


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS"])
def test_odd_methods(client_of, method):
    assert client_of("alice").open("/api/v1/users/me", method=method).status_code in (200, 404, 405)


@pytest.mark.parametrize("path", ["/static/../config/settings.py", "/static/v/x/..%2f..%2fconfig/settings.py", "/static//etc/passwd",
                                  "/static/%2e%2e/%2e%2e/etc/passwd"])  # fmt: skip
def test_static_files_end_at_their_folder(client_of, path):
    answer = client_of(None).get(path)
    assert answer.status_code in (301, 302, 308, 400, 404)
    assert "ONYX" not in answer.text and "root:" not in answer.text


def test_sign_in_never_leads_elsewhere(client_of):
    """`next` may only ever be a path of our own."""
    page = client_of(None).get("/settings", headers={"Accept": "text/html"})
    assert page.status_code == 302 and page.headers["Location"].startswith("/login?")
    evil = client_of(None).get(
        "/login", query_string={"next": "https://evil.example/"}, headers={"Accept": "text/html"}
    )
    assert not re.search(r'(href|action|content)="https://evil', evil.text)
