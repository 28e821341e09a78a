"""Role × route: for everybody of the cast, for nobody and for API keys of each scope, read off the policy.

What a request does to whom is test_strangers.py's: here the other side of every door is bricked up, so that reaching
it is seen and changes nothing. There are no links that share anything with people who are not signed in; when there
are, they belong here. What jobs leave behind and what is exported goes through routes of this map like all else.
"""

from __future__ import annotations

import json
from functools import cache
from uuid import uuid4

import pytest
import socketio as wires

from onyx.access.policy import NEVER_BY_KEY, Permission, permissions_of
from onyx.core.errors import Conflict
from onyx.edge import http
from onyx.edge.live import EVENTS
from tests.server import hang_up

CAST = ("dana", "carol", "cleo", "alice", "lee", "greta", "mallory", "petra")
REACHED = "the other side of the door"

# Routes with an id that no loader turns into a row before the view runs. Each new line needs a reason in review.
WITHOUT_LOADER = {
    "/api/v1/auth/factors/passkeys/<passkey_id>": "purpose `auth`: the service looks among the person's own",
    "/api/v1/platform/live-sessions/<session_id>": "the route finds the tenant first, then visits it",
    "/api/v1/platform/live-sessions/<session_id>/timeline": "the same",
    "/api/v1/revocations/<revocation_id>": "a row of the control plane, asked for by tenant",
    "/api/v1/revocations/<revocation_id>/retry": "the same",
}

# Which permissions stand before which part of the address space: a door with a weaker lock would be seen here.
LOCKS = {
    "/admin/": {"users:read", "users:manage", "keys:manage", "sessions:read", "settings:manage", "sso:manage"},
    "/api/v1/access-log": {"audit:read"},
    "/api/v1/audit/": {"audit:read"},
    "/api/v1/isolation": {"audit:read"},
    "/api/v1/jobs": {"jobs:read", "jobs:run"},
    "/api/v1/live-sessions": {"sessions:read", "sessions:revoke"},
    "/api/v1/migrations": {"tenants:read", "tenants:manage"},
    "/api/v1/monitoring": {"monitoring:read"},
    "/api/v1/platform/": {"tenants:read", "tenants:manage"},
    "/api/v1/roles": {"users:read", "roles:manage"},
    "/api/v1/sso": {"sso:manage"},
    "/api/v1/tenant/api-keys": {"keys:manage"},
    "/api/v1/tenants": {"tenants:read", "tenants:manage"},
    "/audit": {"audit:read"},
    "/jobs": {"jobs:read"},
    "/platform": {"tenants:read"},
    "/scim": {"scim:provision"},
}  # fmt: skip


@pytest.fixture(scope="module")
def doors(app):
    """Every guarded (method, rule) with its Rule."""
    found = {}
    for rule in app.url_map.iter_rules():
        guard = app.view_functions[rule.endpoint].__dict__.get("onyx_rule")
        if guard is not None and guard.permission is not None:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                found[method, rule.rule] = guard
    assert len(found) > 100
    return found


@pytest.fixture
def bricked_up(monkeypatch):
    """Behind every door of the edge is a wall; who comes as far was let in."""

    def wall():
        raise Conflict(REACHED)

    monkeypatch.setattr(http, "unit_of_work", wall)


@pytest.fixture
def known(client_of):
    return cache(client_of)


def _path(rule: str) -> str:
    while "<" in rule:
        before, _, rest = rule.partition("<")
        name, _, after = rest.partition(">")
        rule = before + (str(uuid4()) if name.endswith("_id") else "x") + after
    return rule


def _comes_to(client, method: str, rule: str) -> str:
    """`in`, `denied` or `unknown`: how far somebody gets."""
    answer = client.open(
        _path(rule), method=method, data=b"[" if method != "GET" else None, content_type="application/json"
    )
    if answer.status_code == 401:
        return "unknown"
    return "denied" if answer.status_code == 403 else "in"


def test_every_role_passes_exactly_the_doors_that_the_policy_opens(world, doors, known, bricked_up):
    odd = []
    for name in CAST:
        allowed = permissions_of((world[name].role,), world[name].tenant.slug)
        client = known(name)
        for (method, rule), guard in doors.items():
            expected = "in" if guard.permission in allowed else "denied"
            if (found := _comes_to(client, method, rule)) != expected:
                odd.append(f"{name}: {method} {rule} ({guard.permission}): {found}, expected {expected}")
    assert odd == []


def test_nobody_passes_any_of_them(app, doors, bricked_up):
    client = app.test_client()
    assert {door: found for door in doors if (found := _comes_to(client, *door)) != "unknown"} == {}


def test_an_api_key_opens_what_its_scope_opens_and_nothing_else(app, world, doors, known, bricked_up, monkeypatch):
    """One key of each scope that somebody of the cast may give it, at one door of each permission."""
    one_of_each = {guard.permission: door for door, guard in doors.items()}
    odd, seen = [], set()
    for name in ("dana", "carol", "petra"):
        whole = permissions_of((world[name].role,), world[name].tenant.slug)
        for scope in sorted(whole - NEVER_BY_KEY):
            if scope in seen:
                continue
            seen.add(scope)
            client = _with_key(app, known(name), scope, monkeypatch)
            for permission, door in one_of_each.items():
                expected = "in" if permission in {scope, Permission.PROFILE_READ} else "denied"
                if (found := _comes_to(client, *door)) != expected:
                    odd.append(f"key for {scope}: {door}: {found}, expected {expected}")
    assert odd == [] and len(seen) >= 10


def _with_key(app, person, scope, monkeypatch):
    """A client with a key of one scope, made while the doors were open."""
    from onyx.core.db import unit_of_work

    wall = http.unit_of_work
    monkeypatch.setattr(http, "unit_of_work", unit_of_work)
    made = person.post("/api/v1/api-keys", json={"name": f"only {scope}", "permissions": [scope]})
    assert made.status_code == 201, made.text
    monkeypatch.setattr(http, "unit_of_work", wall)
    client = app.test_client()
    client.token = made.get_json()["data"]["key"]
    return client


def test_every_role_sends_exactly_the_events_that_the_policy_opens(world, server, socket_of):
    serving, odd = server(), []
    for name in CAST:
        allowed = permissions_of((world[name].role,), world[name].tenant.slug)
        for namespace in {space for space, _ in EVENTS}:
            events = [event for (space, _), event in EVENTS.items() if space == namespace]
            if namespace == "/live" and not any(event.permission in allowed for event in events):
                with pytest.raises(wires.exceptions.ConnectionError):
                    socket_of(name, serving, namespace)
                continue
            socket = socket_of(name, serving, namespace)
            for event in events:
                answer = socket.ask(event.name, {})
                denied = not answer["ok"] and answer["error"]["code"] == "denied"
                if denied == (event.permission in allowed):
                    odd.append(f"{name}: {event.name} ({event.permission}): {json.dumps(answer)[:120]}")
            hang_up(socket)
    assert odd == []


def test_every_id_in_a_path_has_a_loader_or_a_reason(doors):
    bare = {rule for (_, rule), guard in doors.items() if "_id>" in rule and not guard.loads}
    assert bare - WITHOUT_LOADER.keys() == set(), "give the route a loader (`of=`), or a line with its reason"
    assert WITHOUT_LOADER.keys() - bare == set(), "remove these lines"


def test_no_part_of_the_addresses_has_a_weaker_lock(doors):
    for prefix, locks in LOCKS.items():
        found = {guard.permission.value for (_, rule), guard in doors.items() if rule.startswith(prefix)}
        assert found and found <= locks, f"{prefix}: {sorted(found - locks)}"
