"""Roles of an organisation's own: made of permissions that their maker holds, felt everywhere at once (I2, I3, I4)."""

import json
import threading

import pytest

from onyx.access.policy import GRANTABLE, MEANING, PURPOSE, Permission
from tests.roles.conftest import ROLES, give
from tests.server import falls_silent
from tests.waiting import promptly, until


def test_a_role_gives_what_is_in_it_at_the_next_request_and_no_more(client_of, make, world, cached):
    alice, dana = client_of("alice"), client_of("dana")
    assert alice.get("/api/v1/users").status_code == 403
    role = make("users:read")
    assert (role["key"], role["built_in"], role["people"]) == ("service-desk", False, 0)
    assert give(dana, world.alice, "user", role["key"]).status_code == 200
    assert alice.get("/api/v1/users").status_code == 200
    assert alice.get("/api/v1/live-sessions").status_code == 403
    me = alice.get("/api/v1/users/me").get_json()["data"]
    assert me["roles"] == ["service-desk", "user"] and "users:read" in me["permissions"]
    cached(alice, "alice")
    assert dana.patch(f"{ROLES}/{role['id']}", json={"permissions": ["sessions:read"]}).status_code == 200
    assert alice.get("/api/v1/users").status_code == 403
    assert alice.get("/api/v1/live-sessions").status_code == 200
    cached(alice, "alice")
    assert dana.delete(f"{ROLES}/{role['id']}").status_code == 200
    assert alice.get("/api/v1/live-sessions").status_code == 403
    assert alice.get("/api/v1/users/me").get_json()["data"]["roles"] == ["user"]


def test_somebody_with_an_own_role_alone_has_an_account_and_a_page_to_land_on(client_of, make, world, sign_in):
    role = make("audit:read", "users:read", by=_auditing_admin(client_of, world))
    assert give(client_of("dana"), world.lee, role["key"]).status_code == 200
    signed_in = sign_in("lee")
    assert signed_in["landing"] == "/admin/"
    lee = client_of("lee")
    assert lee.get("/api/v1/audit/events").status_code == 200
    assert lee.get("/admin/", headers={"Accept": "text/html"}).status_code == 200
    assert lee.post("/api/v1/auth/logout").status_code == 200


def test_nobody_puts_into_a_role_what_they_lack(client_of, make, world):
    dana = client_of("dana")
    answer = dana.post(ROLES, json={"name": "Reader", "permissions": ["audit:read"]})
    assert answer.status_code == 403 and "audit:read" in answer.get_json()["error"]["message"]
    for beyond in ("tenants:read", "tenants:manage", "no:such"):
        assert dana.post(ROLES, json={"name": "Up", "permissions": [beyond]}).status_code == 422
    # Whoever manages roles and nothing else can neither raise themselves nor touch what is above them.
    maker = make("roles:manage", "users:read", "roles:grant", name="Maker")
    strong = make("users:manage", name="Strong")
    give(dana, world.alice, "user", maker["key"])
    alice = client_of("alice")
    assert alice.patch(f"{ROLES}/{maker['id']}", json={"permissions": ["users:manage"]}).status_code == 403
    assert alice.patch(f"{ROLES}/{strong['id']}", json={"permissions": ["users:read"]}).status_code == 403
    assert alice.delete(f"{ROLES}/{strong['id']}").status_code == 403
    assert give(alice, world.bob, "user", strong["key"]).status_code == 403
    assert give(alice, world.alice, "user", strong["key"], maker["key"]).status_code == 403
    assert give(alice, world.bob, "user", maker["key"]).status_code == 200


def test_somebody_above_by_an_own_role_is_out_of_reach(client_of, make, world):
    """A new password for them would be a way up."""
    desk = make("users:manage", "users:read", name="Desk")
    reader = make("sessions:revoke", name="Bouncer")
    dana = client_of("dana")
    give(dana, world.alice, "user", desk["key"])
    give(dana, world.bob, "user", reader["key"])
    alice = client_of("alice")
    assert alice.post(f"/api/v1/users/{world.bob.id}/reset-password").status_code == 403
    assert alice.post(f"/api/v1/users/{world.bob.id}/suspend").status_code == 403
    assert alice.post(f"/api/v1/users/{world.cleo.id}/suspend").status_code == 200


def test_names_are_taken_once_and_built_in_ones_never(client_of, make):
    dana = client_of("dana")
    make("users:read")
    for name in ("Service Desk", "service   desk", "Admin", "user"):
        assert dana.post(ROLES, json={"name": name, "permissions": ["users:read"]}).status_code == 409, name
    assert make("users:read", name="担当")["key"].startswith("role-")
    assert dana.patch(f"{ROLES}/admin", json={"name": "x"}).status_code == 404


def test_a_preview_tells_who_gains_and_loses_what_and_changes_nothing(client_of, make, world):
    dana, alice = client_of("dana"), client_of("alice")
    role, other = make("users:read"), make("users:read", name="Other")
    give(dana, world.alice, "user", role["key"])
    give(dana, world.bob, "user", role["key"], other["key"])
    sent = {"role_id": role["id"], "permissions": ["sessions:read", "chat:use"]}
    told = dana.post(f"{ROLES}/preview", json=sent).get_json()["data"]

    def by_mail(side):
        return {row["email"]: row["permissions"] for row in told[side]}

    assert by_mail("gains") == {world.alice.email: ["sessions:read"], world.bob.email: ["sessions:read"]}
    assert by_mail("loses") == {world.alice.email: ["users:read"]}, "bob has it through the other role"
    assert (told["people"], told["gain"], told["lose"]) == (2, 2, 1)
    assert alice.get("/api/v1/users").status_code == 200 and alice.get("/api/v1/live-sessions").status_code == 403
    gone = dana.post(f"{ROLES}/preview", json={"role_id": role["id"]}).get_json()["data"]
    assert (gone["gain"], gone["lose"]) == (0, 1)


def test_why_somebody_may_names_the_own_role(client_of, make, world):
    dana = client_of("dana")
    role = make("users:read")
    give(dana, world.alice, "user", role["key"])
    told = dana.get(f"/api/v1/users/{world.alice.id}/permissions").get_json()["data"]["permissions"]
    through = {line["permission"]: line["through"] for line in told}
    assert through["users:read"] == ["service-desk"] and through["own:account"] == ["service-desk", "user"]


def test_roles_and_their_changes_stand_in_the_trail(client_of, make, world, owner):
    role = make("users:read")
    client_of("dana").patch(f"{ROLES}/{role['id']}", json={"permissions": ["sessions:read"]})
    client_of("dana").delete(f"{ROLES}/{role['id']}")
    found = owner.execute(
        f"select action, changes from {world.acme.schema}.audit_event where action like 'role.%' order by recorded_at, event_id"
    ).fetchall()
    assert [row[0] for row in found] == ["role.created", "role.changed", "role.deleted"]
    assert found[1][1] == [{"path": "permissions", "old": ["users:read"], "new": ["sessions:read"], "class": "public"}]


def test_another_organisation_sees_and_grants_none_of_it(client_of, make, world):
    role = make("users:read")
    greta = client_of("greta")
    assert role["key"] not in {row["key"] for row in greta.get(ROLES).get_json()["data"]}
    assert greta.patch(f"{ROLES}/{role['id']}", json={"name": "Mine"}).status_code == 404
    assert greta.post(f"{ROLES}/preview", json={"role_id": role["id"]}).status_code == 404
    new = greta.post(f"{ROLES}/preview", json={"permissions": ["users:read", "tenants:read"]}).get_json()["data"]
    assert new == {"allows": ["users:read"], "people": 0, "gain": 0, "lose": 0, "gains": [], "loses": []}
    assert give(greta, world.mallory, role["key"]).status_code == 422


def test_a_grant_and_the_end_of_its_role_cannot_pass_each_other(client_of, make, world, owner):
    """A grant that slips past the deletion would come to life when the key is given again."""
    dana, clients = client_of("dana"), [client_of("dana") for _ in range(6)]
    for _ in range(4):
        role, told = make("users:read"), []
        barrier = threading.Barrier(7)

        def grant(client, person, role=role, barrier=barrier, told=told):
            barrier.wait()
            told.append(give(client, person, "user", role["key"]).status_code)

        people = [world[name] for name in ("alice", "bob", "cleo", "lee", "alice", "bob")]
        threads = [threading.Thread(target=grant, args=pair) for pair in zip(clients, people, strict=True)]
        for thread in threads:
            thread.start()
        barrier.wait()
        assert dana.delete(f"{ROLES}/{role['id']}").status_code == 200
        for thread in threads:
            thread.join()
        left = owner.execute(f"select count(*) from {world.acme.schema}.user_role where role = %s", [role["key"]])
        assert left.fetchone() == (0,) and len(told) == 6
        assert set(told) <= {200, 409, 422}, "who comes too late is told so"


@pytest.mark.slow
def test_an_edited_role_reaches_every_socket_on_every_process_within_a_second(
    server, socket_of, world, client_of, make
):
    two = server(processes=2)
    role = make("monitoring:read")
    dana = client_of("dana")
    give(dana, world.bob, "user", role["key"])
    sockets = [socket_of("bob", two, namespace="/live") for _ in range(6)]
    for one in sockets:
        one.wait_for("stats")
    with promptly(1):
        assert dana.patch(f"{ROLES}/{role['id']}", json={"permissions": ["users:read"]}).status_code == 200
        for one in sockets:
            assert one.wait_for("session:revoked") == {"reason": "roles_changed"}


def test_an_edited_role_takes_a_socket_out_of_rooms_that_it_may_not_hear_any_more(
    server, socket_of, world, client_of, make
):
    """F27: who may still watch something keeps the socket, and must not keep all that it heard."""
    serving, role, dana = server(), make("monitoring:read"), client_of("dana")
    give(dana, world.carol, "auditor", role["key"])
    carol, watching = (socket_of(name, serving, namespace="/live") for name in ("carol", "dana"))
    assert carol.wait_for("stats")
    assert dana.patch(f"{ROLES}/{role['id']}", json={"permissions": ["users:read"]}).status_code == 200
    falls_silent("stats", [carol], watching)
    with serving.http(dana.token) as http:
        assert http.patch("/api/v1/users/me", json={"display_name": "Dana Once More"}).status_code == 200
    assert carol.wait_for("audit:event"), "she is an auditor, and stays one"
    assert carol.connected and "stats" not in carol.names()


def test_an_entry_that_an_older_onyx_wrote_is_read_anew(app, client_of, cached, world):
    """Processes of both versions serve at the same time while an installation is upgraded."""
    from onyx.edge.store import key

    alice = client_of("alice")
    cached(alice, "alice")
    redis = app.extensions["onyx"].store.client
    place = key(world.acme.id, "user", world.alice.id)
    old = {name: value for name, value in json.loads(redis.get(place)).items() if name not in ("extra", "until")}
    redis.set(place, json.dumps(old))
    # A request that the machine kept waiting remembers nothing: the next one does.
    until(lambda: alice.get("/api/v1/users/me").status_code == 200 and "until" in json.loads(redis.get(place)))


def test_the_page_shows_roles_to_those_who_may_and_buttons_to_those_who_can(client_of, make, world):
    make("users:read")
    page = client_of("dana", by="cookie").get("/admin/roles/").text
    assert "Service Desk" in page and 'data-testid="role-new"' in page and 'data-testid="permission-audit:read"' in page
    assert client_of("alice", by="cookie").get("/admin/roles/").status_code == 403


def test_every_permission_says_what_it_means():
    assert set(MEANING) == set(Permission), "add it to MEANING in access/policy.py"
    assert {PURPOSE[p] for p in GRANTABLE} == {"member", "admin", "auditor"}


def _auditing_admin(client_of, world):
    assert give(client_of("dana"), world.alice, "admin", "auditor").status_code == 200
    return "alice"
