"""API keys that are none: halved, forged, turned to another organisation, expired, in the wrong place (I8; F5, F22)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from onyx.core.ids import uuid7
from onyx.identity import keys
from tests.keys.conftest import status


def test_an_expired_key_is_dead_by_its_own_word_and_by_the_row(key_of, by_key, owner, world, app):
    made = key_of("alice")
    old = keys.issue(world.alice.id, world.acme.id, UUID(made["id"]), datetime.now(UTC) - timedelta(seconds=1))
    assert status(by_key, old) == 401
    owner.execute(f"update {world.acme.schema}.api_key set expires_at = now() where id = %s", [made["id"]])
    assert status(by_key, made["key"]) == 401


def test_f22_half_a_key_is_no_key(key_of, by_key):
    """F22: empty and half-present secrets never meet an empty column."""
    key = key_of("alice")["key"]
    _, id, secret = key.split("_")
    for broken in ("onyx_", "onyx__", f"onyx_{id}_", f"onyx_{id}", f"onyx__{secret}", f"onyx_{id}_{secret[:-1]}", f"onyx_{secret}_{id}",
                   f"{key}=", key.upper(), key + "_", f"onyx_{id}_{'a' * len(secret)}", f"onyx_{'a' * len(id)}_{secret}", f"onyx_{id}_null"):  # fmt: skip
        assert status(by_key, broken) == 401, broken
    assert status(by_key, key) == 200


def test_f5_a_key_of_acme_cannot_be_turned_to_globex(key_of, by_key, world):
    """F5: the tenant stands in the key, sealed with it."""
    key = key_of("alice")["key"]
    _, id, secret = key.split("_")
    raw = base64.b32decode(id.upper() + "=" * (-len(id) % 8))
    forged = base64.b32encode(world.globex.id.bytes + raw[16:]).decode().rstrip("=").lower()
    assert status(by_key, f"onyx_{forged}_{secret}") == 401
    mine = by_key(
        key,
        "GET",
        "/api/v1/users/me",
    ).get_json()["data"]
    assert mine["tenant"]["id"] == str(world.acme.id)


def test_a_genuine_looking_key_without_a_row_is_refused(app, by_key, world, sign_in):
    """Signed by Onyx, never stored: what a restored older database would meet."""
    for tenant in (world.acme.id, uuid7()):
        key = keys.issue(world.alice.id, tenant, uuid7(), datetime.now(UTC) + timedelta(days=1))
        assert status(by_key, key) == 401


def test_a_second_key_under_the_same_id_is_refused(key_of, by_key, world):
    """The digest decides: a genuine MAC alone is not enough."""
    made = key_of("alice")
    twin = keys.issue(world.alice.id, world.acme.id, UUID(made["id"]), datetime.now(UTC) + timedelta(days=1))
    assert status(by_key, twin) == 401
    assert status(by_key, made["key"]) == 200


def test_a_key_is_no_cookie(app, key_of):
    client = app.test_client()
    client.set_cookie("onyx_session", key_of("alice")["key"])
    assert client.get("/api/v1/users/me").status_code == 401
