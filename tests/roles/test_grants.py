"""Grants that end, and that nobody gives to others, or keeps, for longer than they hold it themselves (I2)."""

import time
from contextlib import suppress
from datetime import timedelta

from socketio.exceptions import ConnectionError

from onyx.core.clock import now, rfc3339
from tests import waiting
from tests.roles.conftest import give


def test_a_grant_that_ends_counts_for_nothing_from_that_moment(client_of, world, cached):
    dana, alice = client_of("dana"), client_of("alice")
    for seconds in (4, 12, 60):  # longer, if the machine was too slow for it
        ends = now() + timedelta(seconds=seconds)
        answer = give(dana, world.alice, "user", "admin", until={"admin": rfc3339(ends)})
        assert answer.status_code == 200 and answer.get_json()["data"]["until"] == {"admin": rfc3339(ends)}
        seen = alice.get("/api/v1/users").status_code
        if now() < ends:
            break
    assert seen == 200
    while now() < ends - timedelta(seconds=0.3):
        cached(alice, "alice")
        time.sleep(0.1)
    assert alice.get("/api/v1/users").status_code == 200 or now() >= ends
    time.sleep(max(0.0, (ends - now()).total_seconds()) + 0.05)
    assert alice.get("/api/v1/users").status_code == 403, "the entry in Redis must not outlive the grant"
    shown = dana.get(f"/api/v1/users/{world.alice.id}").get_json()["data"]
    assert (shown["roles"], shown["until"]) == (["user"], {})


def test_the_sweep_takes_what_has_ended_and_tells_open_sockets(
    client_of, world, owner, app, server, socket_of, sign_in, run
):
    dana, two = client_of("dana"), server(processes=2)
    token = sign_in("alice")["token"]
    for seconds in (4, 12, 60):  # longer, if the machine was too slow for it
        ends = now() + timedelta(seconds=seconds)
        give(dana, world.alice, "user", "admin", until={"admin": rfc3339(ends)})
        with suppress(ConnectionError):
            alice = socket_of("alice", two, namespace="/live", token=token)
            waiting.until(lambda alice=alice, ends=ends: "stats" in alice.names() or now() >= ends)
            if "stats" in alice.names():
                break
    assert "stats" in alice.names()
    time.sleep(max(0.0, (ends - now()).total_seconds()) + 0.05)
    assert alice.ask("stats:now")["error"]["code"] == "denied"
    assert run("roles.expire").effects >= 1  # other worlds may have had an end meanwhile
    assert alice.wait_for("session:revoked") == {"reason": "roles_changed"}
    left = owner.execute(f"select role from {world.acme.schema}.user_role where user_id = %s", [world.alice.id])
    assert left.fetchall() == [("user",)]
    event = owner.execute(
        f"select targets->0->>'id', details from {world.acme.schema}.audit_event where action = 'roles.expired'"
    ).fetchall()
    assert event == [(str(world.alice.id), {"roles": ["admin"]})]


def test_the_last_administrators_office_cannot_be_given_an_end(client_of, app, world):
    dana = client_of("dana")
    end = {"until": {"admin": rfc3339(now() + timedelta(days=1))}}
    assert give(dana, world.dana, "admin", **end).status_code == 409
    # An administrator for a time is not somebody who could be left alone.
    assert give(dana, world.alice, "admin", **end).status_code == 200
    assert give(client_of("alice"), world.dana, "user").status_code == 409
    assert give(dana, world.alice, "admin", until={}).status_code == 200
    assert give(client_of("alice"), world.dana, "user").status_code == 200


def test_nobody_makes_last_what_was_given_to_them_for_a_time(client_of, make, world):
    dana, end, later = client_of("dana"), rfc3339(now() + timedelta(hours=1)), rfc3339(now() + timedelta(hours=9))
    assert give(dana, world.alice, "user", "admin", until={"admin": end}).status_code == 200
    alice, clone = client_of("alice"), make("users:read")
    tries = [
        give(alice, world.alice, "user", "admin", until={}),
        give(alice, world.alice, "user", "admin", until={"admin": later}),
        give(alice, world.alice, "user", "admin", clone["key"]),
    ]
    assert [answer.status_code for answer in tries] == [403, 403, 403]
    assert all("for longer" in answer.get_json()["error"]["message"] for answer in tries)
    data = client_of("dana").get(f"/api/v1/users/{world.alice.id}").get_json()["data"]
    assert list(data["until"]) == ["admin"]
    assert give(alice, world.alice, "user", "admin", "limited").status_code == 200, "what lasts gives this already"
    assert give(dana, world.alice, "user", "admin", until={}).status_code == 200


def test_an_end_is_still_to_come_and_names_a_role_of_the_list(client_of, world):
    dana = client_of("dana")
    for until in ({"user": rfc3339(now() - timedelta(seconds=1))}, {"curator": rfc3339(now() + timedelta(days=1))}):
        assert give(dana, world.alice, "user", until=until).status_code == 422
    for wrong in ("2999-01-01T00:00:00", "9999-12-31T23:59:59-12:00"):
        assert give(dana, world.alice, "user", until={"user": wrong}).status_code == 422
    kept = rfc3339(now() + timedelta(days=1))
    give(dana, world.alice, "user", until={"user": kept})
    assert give(dana, world.alice, "user", "curator").get_json()["data"]["until"] == {"user": kept}


def _admin_for_a_time(client_of, world, name="alice"):
    """Alice is a user for good and an administrator for an hour: when that ends."""
    end = now() + timedelta(hours=1)
    given = give(client_of("dana"), world[name], "user", "admin", until={"admin": rfc3339(end)})
    assert given.status_code == 200, given.text
    return end


def _refused(answer, end):
    error = answer.get_json()["error"]
    return answer.status_code == 403 and error["code"] == "only_for_a_time" and rfc3339(end) in error["message"]


def test_nobody_gives_to_others_for_longer_than_they_hold(client_of, world):
    end = _admin_for_a_time(client_of, world)
    alice, later = client_of("alice"), rfc3339(end + timedelta(seconds=1))
    for until in ({}, {"admin": later}):
        assert _refused(give(alice, world.bob, "user", "admin", until=until), end), until
    for until in ({}, {"auditor": later}):
        assert _refused(give(alice, world.bob, "user", "auditor", until=until), end), "what is held apart, too"
    given = give(alice, world.bob, "curator", "admin", until={"admin": rfc3339(end)})
    assert given.status_code == 200, "what lasts gives what is in curator, and admin ends in time"
    assert given.get_json()["data"]["until"] == {"admin": rfc3339(end)}
    assert _refused(give(alice, world.bob, "curator", "admin", until={"admin": later}), end)
    assert give(alice, world.bob, "curator", "admin").status_code == 200, "what stays as it was is not given"
    assert give(client_of("dana"), world.bob, "user", "admin", until={}).status_code == 200
    shortened = give(alice, world.bob, "user", "admin", until={"admin": later})
    assert shortened.status_code == 200, "an end that comes earlier than before gives nothing"


def test_no_way_in_is_made_with_more_than_a_time_allows(client_of, world, app):
    end = _admin_for_a_time(client_of, world)
    alice, mail = client_of("alice"), f"{{}}@{world.acme.slug}.example".format
    for role in ("admin", "auditor"):
        person = {"email": mail("nora"), "roles": [role]}
        assert _refused(alice.post("/api/v1/users", json=person), end)
        assert _refused(alice.post("/api/v1/invitations", json=person), end)
        one = alice.post("/api/v1/users/batch", json={"users": [person]}).get_json()["data"]["results"][0]
        assert one["error"]["code"] == "only_for_a_time"
        for make in ("accounts", "invitations"):
            table = alice.post(f"/api/v1/users/import?make={make}", data=f"email,roles\n{mail('tom')},{role}\n")
            assert rfc3339(end) in table.get_json()["data"]["results"][0]["error"]
        assert _refused(alice.post("/api/v1/users", json={**person, "until": {role: rfc3339(end + timedelta(1))}}), end)
    made = alice.post("/api/v1/users", json={**person, "until": {"auditor": rfc3339(end)}})
    assert made.status_code == 201 and made.get_json()["data"]["until"] == {"auditor": rfc3339(end)}
    for wrong in ({"curator": rfc3339(end)}, {"auditor": rfc3339(now() - timedelta(1))}):
        person = {"email": mail("tim"), "roles": ["auditor"], "until": wrong}
        assert client_of("dana").post("/api/v1/users", json=person).status_code == 422
    assert alice.post("/api/v1/invitations", json={"email": mail("ulla"), "roles": ["curator"]}).status_code == 201


def test_an_invitation_holds_no_longer_than_the_office_of_who_invited(client_of, world, app):
    dana = client_of("dana")
    assert give(dana, world.alice, "user", "admin").status_code == 200
    sent = {"email": f"nora@{world.acme.slug}.example", "roles": ["admin"]}
    link = client_of("alice").post("/api/v1/invitations", json=sent).get_json()["data"]["link"]
    _admin_for_a_time(client_of, world)
    redeem = {"token": link.partition("#")[2], "password": "a rather long sentence"}
    assert app.test_client().post("/api/v1/invitations/redeem", json=redeem).status_code == 404
    assert give(dana, world.alice, "user", "admin", until={}).status_code == 200
    assert app.test_client().post("/api/v1/invitations/redeem", json=redeem).status_code == 201


def test_a_role_gets_nothing_that_its_editor_holds_for_a_time(client_of, make, world):
    role = make("users:read", "sessions:read")
    end = _admin_for_a_time(client_of, world)
    alice, path = client_of("alice"), f"/api/v1/roles/{role['id']}"
    assert _refused(alice.patch(path, json={"permissions": ["users:read", "jobs:read"]}), end)
    assert alice.patch(path, json={"permissions": ["users:read", "files:upload"]}).status_code == 200
    made = alice.post("/api/v1/roles", json={"name": "Mine", "permissions": ["users:manage"]})
    assert made.status_code == 201, "a role that nobody holds gives nothing"
    assert _refused(give(alice, world.bob, "user", made.get_json()["data"]["key"]), end)


def test_who_administers_for_a_time_gets_hold_of_nobodys_way_in_who_does_for_good(client_of, world):
    end = _admin_for_a_time(client_of, world)
    alice, dana = client_of("alice"), f"/api/v1/users/{world.dana.id}"
    for method, path, body in (
        ("POST", "/reset-password", {}),
        ("POST", "/reset-link", {}),
        ("DELETE", "/factors", {}),
        ("PATCH", "", {"email": f"mine@{world.acme.slug}.example"}),
    ):
        assert _refused(alice.open(f"{dana}{path}", method=method, json=body), end), path
        assert alice.open(f"/api/v1/users/{world.bob.id}{path}", method=method, json=body).status_code == 200
    assert alice.patch(dana, json={"display_name": "Dana D."}).status_code == 200


def test_the_last_lasting_administrator_stays_while_others_administer_for_a_time(client_of, world):
    for name in ("alice", "bob"):
        _admin_for_a_time(client_of, world, name)
    alice, dana = client_of("alice"), f"/api/v1/users/{world.dana.id}"
    tries = [alice.delete(dana), alice.post(f"{dana}/suspend"), give(alice, world.dana, "user")]
    assert [(answer.status_code, answer.get_json()["error"]["code"]) for answer in tries] == [(409, "conflict")] * 3


def test_the_form_offers_the_latest_end_and_says_why(client_of, world):
    end = _admin_for_a_time(client_of, world)
    path = f"/admin/people/edit/?id={world.bob.id}"
    page = client_of("alice", by="cookie").get(path).text
    assert 'data-testid="role-admin-ends"' in page and 'data-testid="role-curator-ends"' not in page
    assert f"&#34;admin&#34;: &#34;{rfc3339(end)}" in page
    assert "-ends" not in client_of("dana", by="cookie").get(path).text.partition("Access</h2>")[0]
