"""What administrators learn of one person: what concerns access, and how much would go; never what for (I1, T5)."""

import pytest


@pytest.fixture
def world(fresh_world):
    return fresh_world


def _about(client, person, what, **query):
    return client.get(f"/api/v1/users/{person.id}/{what}", query_string=query)


def test_activity_tells_of_access_and_of_nothing_else(client_of, world, sign_in):
    alice, dana = client_of("alice"), client_of("dana")
    alice.post("/api/v1/projects", json={"name": "Secret plans"})
    alice.post("/api/v1/sessions", json={"title": "Secret chat"})
    dana.put(f"/api/v1/users/{world.alice.id}/roles", json={"roles": ["curator"]})
    sign_in("alice")
    told = _about(dana, world.alice, "activity").get_json()["data"]
    actions = [line["action"] for line in told]
    assert {"session.created", "roles.changed"} <= set(actions)
    assert not [action for action in actions if action.split(".")[0] in ("chat", "project", "message", "file")]
    assert "Secret" not in str(told)
    changed = next(line for line in told if line["action"] == "roles.changed")
    assert changed["sentence"] == f"{world.dana.name} changed the roles of {world.alice.email}"


def test_activity_goes_on_page_by_page_without_doubles(client_of, world, sign_in):
    for _ in range(4):
        sign_in("alice")
    dana, seen, after = client_of("dana"), [], None
    while True:
        answer = _about(dana, world.alice, "activity", limit=2, **({"after": after} if after else {})).get_json()
        seen += [line["id"] for line in answer["data"]]
        after = answer["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) >= 4
    whole = _about(dana, world.alice, "activity", limit=100).get_json()["data"]
    assert seen == [line["id"] for line in whole]


def test_nobody_else_learns_of_it(client_of, world):
    for what in ("activity", "deletion", "avatar"):
        for name in ("alice", "carol"):
            assert _about(client_of(name), world.bob, what).status_code == 403, (name, what)
        assert _about(client_of("greta"), world.bob, what).status_code == 404, what


def test_what_would_go_is_counted_and_nothing_is_changed(client_of, world, owner):
    alice, dana = client_of("alice"), client_of("dana")
    alice.post("/api/v1/projects", json={"name": "Plans"})
    for _ in range(2):
        alice.post("/api/v1/sessions", json={})
    alice.post("/api/v1/api-keys", json={"name": "x", "permissions": ["chat:use"]})
    told = _about(dana, world.alice, "deletion").get_json()["data"]
    assert (told["goes"]["projects"], told["goes"]["chats"], told["goes"]["api_keys"]) == (1, 2, 1)
    assert told["stays"]["events"] >= 4 and told["refused"] is None
    events = f"select count(*) from {world.acme.schema}.audit_event where actor_id = %s"
    before = owner.execute(events, [world.alice.id]).fetchone()
    assert dana.delete(f"/api/v1/users/{world.alice.id}").status_code == 200
    assert owner.execute(events, [world.alice.id]).fetchone() == before
    left = owner.execute(f"select count(*) from {world.acme.schema}.chat_session where user_id = %s", [world.alice.id])
    assert left.fetchone() == (0,)


def test_whom_one_cannot_delete_is_said_before(client_of, world):
    told = _about(client_of("dana"), world.dana, "deletion").get_json()["data"]
    assert "yourself" in told["refused"]


def test_why_somebody_may_says_until_when(client_of, world):
    dana = client_of("dana")
    path = f"/api/v1/users/{world.alice.id}"
    end = "2099-01-01T00:00:00Z"
    assert dana.put(f"{path}/roles", json={"roles": ["user", "admin"], "until": {"admin": end}}).status_code == 200
    why = {line["permission"]: line for line in dana.get(f"{path}/permissions").get_json()["data"]["permissions"]}
    assert why["users:read"] == {
        "permission": "users:read",
        "purpose": "admin",
        "meaning": "See the people of the organisation",
        "through": ["admin"],
        "until": {"admin": end},
    }
    assert why["chat:use"]["through"] == ["admin", "user"] and why["chat:use"]["until"] == {"admin": end}
