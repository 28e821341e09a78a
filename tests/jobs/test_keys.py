"""API keys that ran out end by themselves: with one event, and for idle sockets too."""

import pytest


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_a_key_that_ran_out_ends_with_its_sockets_and_one_event(
    world, owner, client_of, run_job, events, server, socket_of
):
    keys = [
        client_of("alice").post("/api/v1/api-keys", json={"name": n, "permissions": ["chat:use"]}).get_json()["data"]
        for n in ("old", "young")
    ]
    old, young = (socket_of("alice", server(), token=key["key"]) for key in keys)
    owner.execute(f"update {world.acme.schema}.api_key set expires_at = now() where id = %s", [keys[0]["id"]])
    owner.execute("update onyx.due set due_at = now() where job = 'keys' and tenant_id = %s", [world.acme.id])
    assert run_job("keys.expire").effects == 1
    assert old.wait_for("session:revoked")["reason"] == "expired"
    assert young.ask("typing:start", {"sessionId": keys[1]["id"]})["ok"], "the other key is as good as before"
    assert "session:revoked" not in young.names()
    run_job("keys.expire")
    told = events(world.acme, "api_key.expired")
    assert [(e[0], e[2]["type"], e[3][0]["id"]) for e in told] == [("success", "job", keys[0]["id"])]
    next_due = owner.execute(
        "select due_at from onyx.due where job = 'keys' and tenant_id = %s", [world.acme.id]
    ).fetchone()
    expires = owner.execute(
        f"select expires_at from {world.acme.schema}.api_key where id = %s", [keys[1]["id"]]
    ).fetchone()
    assert next_due == expires
