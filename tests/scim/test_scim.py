"""What a directory may do over SCIM, and what it may not (I7; F5, F16)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.waiting import promptly

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def directory_of(app, client_of):
    """A directory that speaks SCIM with a key of one of the cast."""

    def make(name="dana", *scopes):
        sent = {"name": "directory", "permissions": list(scopes) or ["scim:provision"]}
        made = client_of(name).post("/api/v1/api-keys", json=sent)
        assert made.status_code == 201, made.text
        key = made.get_json()["data"]["key"]

        def ask(method, path, body=None):
            return app.test_client().open(
                f"/scim/v2{path}", method=method, json=body, headers={"Authorization": f"Bearer {key}"}
            )

        ask.key = key
        return ask

    return make


def _new(user_name, **more):
    return {"schemas": [USER], "userName": user_name, **more}


def _patch(*operations):
    return {"schemas": [PATCH], "Operations": list(operations)}


def _group(name, *members):
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": str(id)} for id in members]}


def _roles(client_of, id):
    return client_of("dana").get(f"/api/v1/users/{id}").get_json()["data"]["roles"]


def test_a_person_is_brought_found_and_put_out(directory_of, client_of, world):
    scim = directory_of()
    email = f"Nora@{world.acme.slug}.example"
    made = scim(
        "POST", "/Users", _new(email, externalId="7", name={"givenName": "Nora", "familyName": "North"}, active=True)
    )
    assert made.status_code == 201, made.text
    id = made.get_json()["id"]
    assert made.headers["Location"].endswith(f"/scim/v2/Users/{id}")
    assert made.get_json()["userName"] == email
    known = client_of("dana").get(f"/api/v1/users/{id}").get_json()["data"]
    assert (known["email"], known["display_name"], known["roles"]) == (email.lower(), "Nora North", ["user"])
    for filter in (
        f'userName eq "{email.upper()}"',
        'externalId eq "7"',
        f'id eq "{id}"',
        'name.familyName sw "nor" and active eq true',
    ):
        found = scim("GET", f"/Users?filter={requests.utils.quote(filter)}").get_json()
        assert [one["id"] for one in found["Resources"]] == [id], filter
    assert scim("DELETE", f"/Users/{id}").status_code == 204
    assert scim("GET", f"/Users/{id}").status_code == 404


def test_pages_meet_without_gap(directory_of, world):
    scim = directory_of()
    whole = scim("GET", "/Users").get_json()
    assert whole["totalResults"] == len(whole["Resources"]) == 6
    pages = [scim("GET", f"/Users?startIndex={first}&count=2").get_json()["Resources"] for first in (1, 3, 5)]
    assert [one["id"] for page in pages for one in page] == [one["id"] for one in whole["Resources"]]
    assert scim("GET", "/Users?count=0").get_json()["totalResults"] == 6


def test_put_out_means_everything_ends_at_once(directory_of, client_of, world, server, socket_of, sign_in, app):
    """F16: session, socket and API key of the person, on both processes, within a second."""
    place = server(processes=2)
    bob = sign_in("bob")["token"]
    key = (
        client_of("bob")
        .post("/api/v1/api-keys", json={"name": "x", "permissions": ["chat:use"]})
        .get_json()["data"]["key"]
    )
    sockets = [socket_of("bob", place, token=token) for token in (bob, bob, key, key)]
    scim = directory_of()
    with promptly(1.5), place.http(scim.key) as http:
        answer = http.patch(
            f"/scim/v2/Users/{world.bob.id}", json=_patch({"op": "Replace", "path": "active", "value": "False"})
        )
        assert answer.status_code == 200 and answer.json()["active"] is False
        for socket in sockets:
            assert socket.wait_for("session:revoked")["reason"] == "suspended"
    for token in (bob, key):
        with place.http(token) as http:
            assert [http.get("/api/v1/sessions").status_code for _ in range(4)] == [401] * 4
    sent = {"email": world.bob.email, "password": world.bob.password}
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 401
    assert (
        scim("PATCH", f"/Users/{world.bob.id}", _patch({"op": "replace", "value": {"active": True}})).get_json()[
            "active"
        ]
        is True
    )
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 200


def test_f5_a_rename_never_adopts_an_account(directory_of, client_of, world, owner):
    """F5: a directory that renames somebody to an address that is taken is refused, whoever has it."""
    scim = directory_of()
    before = owner.execute(f"select id, email from {world.acme.schema}.app_user order by id").fetchall()
    taken = world.dana.email
    for answer in (
        scim("PATCH", f"/Users/{world.bob.id}", _patch({"op": "replace", "path": "userName", "value": taken.upper()})),
        scim("PUT", f"/Users/{world.bob.id}", _new(taken)),
        scim("POST", "/Users", _new(taken)),
    ):
        assert answer.status_code == 409 and answer.get_json()["scimType"] == "uniqueness", answer.text
    assert owner.execute(f"select id, email from {world.acme.schema}.app_user order by id").fetchall() == before


def test_f5_acmes_key_reaches_nothing_of_globex(directory_of, world, owner):
    scim = directory_of()
    count = owner.execute(f"select count(*) from {world.globex.schema}.app_user").fetchone()
    for method, body in (
        ("GET", None),
        ("PUT", _new("x@x.example")),
        ("PATCH", _patch({"op": "replace", "path": "active", "value": False})),
        ("DELETE", None),
    ):
        foreign, random = (
            scim(method, f"/Users/{id}", body) for id in (world.mallory.id, "01a1fee4-d19d-7e82-9af6-9fcc261aeb14")
        )
        assert foreign.status_code == random.status_code == 404 and foreign.data == random.data
    found = scim("GET", f'/Users?filter=userName eq "{world.mallory.email}"').get_json()
    assert found["totalResults"] == 0
    made = scim("POST", "/Groups", _group("Friends", world.mallory.id))
    assert made.status_code == 400
    assert owner.execute(f"select count(*) from {world.globex.schema}.app_user").fetchone() == count


def test_only_a_key_with_the_permission_comes_in(app, directory_of, client_of):
    assert app.test_client().get("/scim/v2/Users").status_code == 401
    answer = directory_of("dana", "users:read", "users:manage")("GET", "/Users")
    assert answer.status_code == 403 and answer.content_type == "application/scim+json"
    assert answer.get_json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (
        client_of("alice").post("/api/v1/api-keys", json={"name": "x", "permissions": ["scim:provision"]}).status_code
        == 422
    )


def test_the_key_dies_with_its_makers_office(directory_of, client_of, world):
    scim = directory_of()
    client_of("dana").put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["admin"]})
    assert scim("GET", "/Users").status_code == 200
    assert client_of("bob").put(f"/api/v1/users/{world.dana.id}/roles", json={"roles": ["user"]}).status_code == 200
    assert scim("GET", "/Users").status_code == 403


def test_groups_give_and_take_their_role(directory_of, client_of, world, socket_of, server):
    scim = directory_of()
    made = scim("POST", "/Groups", _group("Curator", world.alice.id, world.bob.id))
    assert made.status_code == 201, made.text
    id = made.get_json()["id"]
    assert _roles(client_of, world.alice.id) == ["curator", "user"]
    shown = scim("GET", f"/Users/{world.alice.id}").get_json()["groups"]
    assert [(one["value"], one["display"]) for one in shown] == [(id, "Curator")]
    scim("PATCH", f"/Groups/{id}", _patch({"op": "Remove", "path": f'members[value eq "{world.alice.id}"]'}))
    assert _roles(client_of, world.alice.id) == ["user"] and _roles(client_of, world.bob.id) == ["curator", "user"]
    scim("PATCH", f"/Groups/{id}", _patch({"op": "add", "path": "members", "value": [{"value": str(world.lee.id)}]}))
    assert _roles(client_of, world.lee.id) == ["curator", "limited"]
    scim("PATCH", f"/Groups/{id}", _patch({"op": "replace", "path": "displayName", "value": "Auditor"}))
    assert _roles(client_of, world.lee.id) == ["auditor", "limited"]
    assert scim("DELETE", f"/Groups/{id}").status_code == 204
    assert _roles(client_of, world.lee.id) == ["limited"] and _roles(client_of, world.bob.id) == ["user"]


def test_a_role_that_was_given_by_hand_stays(directory_of, client_of, world):
    scim = directory_of()
    id = scim("POST", "/Groups", _group("Curator", world.cleo.id)).get_json()["id"]
    scim("PUT", f"/Groups/{id}", _group("Curator"))
    assert _roles(client_of, world.cleo.id) == ["curator"]


def test_a_group_of_another_name_gives_nothing(directory_of, client_of, world):
    scim = directory_of()
    assert scim("POST", "/Groups", _group("Engineering", world.alice.id)).status_code == 201
    assert scim("POST", "/Groups", _group("platform_admin", world.alice.id)).status_code == 201
    assert _roles(client_of, world.alice.id) == ["user"]
    assert scim("POST", "/Groups", _group("ENGINEERING")).status_code == 409


def test_nobody_gives_themselves_by_a_directory_what_another_must_give(directory_of, client_of, world):
    """Reading the trail is held apart from administration; a key of one's own is no way around."""
    scim = directory_of()
    refused = scim("POST", "/Groups", _group("Auditor", world.dana.id))
    assert refused.status_code == 403, refused.text
    assert _roles(client_of, world.dana.id) == ["admin"]
    assert scim("GET", "/Groups").get_json()["totalResults"] == 0


def test_the_last_administrator_is_not_put_out(directory_of, client_of, world):
    scim = directory_of()
    client_of("dana").put(f"/api/v1/users/{world.bob.id}/roles", json={"roles": ["admin"]})
    assert (
        scim(
            "PATCH", f"/Users/{world.dana.id}", _patch({"op": "replace", "path": "active", "value": False})
        ).status_code
        == 409
    )
    assert scim("DELETE", f"/Users/{world.bob.id}").status_code == 204
    id = scim("POST", "/Groups", _group("Admin", world.dana.id)).get_json()["id"]
    assert scim("DELETE", f"/Groups/{id}").status_code == 204
    assert _roles(client_of, world.dana.id) == ["admin"]


def test_the_trail_names_the_directory_and_the_keys_maker(directory_of, owner, world):
    scim = directory_of()
    scim("POST", "/Users", _new(f"n@{world.acme.slug}.example"))
    kind, name, who, purpose = owner.execute(
        f"select actor ->> 'type', actor ->> 'display', actor_id, purpose from {world.acme.schema}.audit_event"
        " where action = 'user.created' order by recorded_at desc, event_id desc limit 1"
    ).fetchone()
    assert (kind, name, who, purpose) == ("scim", world.dana.email, world.dana.id, "admin")


@pytest.mark.shares_world
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (_new("with blank@x.example"), 400),
        (_new("  "), 400),
        ({"schemas": [USER]}, 400),
        (_new("a\u0000b"), 400),
        (_new("x" * 300), 400),
        ({"schemas": ["urn:nonsense"], "userName": "q@x.example"}, 400),
        (
            _new("e@x.example", **{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D"}}),
            201,
        ),
    ],
)
def test_odd_bodies_are_told_in_scims_shape(directory_of, body, status):
    answer = directory_of()("POST", "/Users", body)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/scim+json"


@pytest.mark.shares_world
@pytest.mark.parametrize(
    "filter", ["userName eq", 'nothing eq "x"', "((((", 'userName eq "x" or', "'; drop table app_user; --"]
)
def test_odd_filters_are_400(directory_of, filter):
    answer = directory_of()("GET", f"/Users?filter={requests.utils.quote(filter)}")
    assert answer.status_code == 400 and answer.get_json()["scimType"] == "invalidFilter", answer.text


@pytest.mark.slow
def test_the_first_requests_of_a_process_may_come_together(server, directory_of):
    """What speaks SCIM is brought by the first of them, aside; the others wait for it."""
    fresh, key = server(fresh=True), directory_of().key

    def ask(path):
        with fresh.http(key) as http:
            return http.get(f"/scim/v2/{path}").status_code

    with ThreadPoolExecutor(4) as together:
        assert list(together.map(ask, ("Users", "Groups", "Schemas", "Nothing"))) == [200, 200, 200, 404]
