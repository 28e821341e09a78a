"""Quotas: how many people, bytes, messages and calls an organisation may have, wherever they come in (T10)."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from onyx.edge.store import key
from tests.settings.conftest import SETTINGS, error_in

USERS, FILES, CHAT = "/api/v1/users", "/api/v1/files", "/api/v1/chat"


def _person(number):
    return {
        "email": f"new-{number}@acme.example",
        "display_name": f"New {number}",
        "password": "drei graue Enten laufen",
    }


def _send(client, text="hello", **more):
    return client.post(CHAT, json={"text": text, **more})


def _file(client, size, name="a.txt"):
    return client.post(FILES, data={"file": (io.BytesIO(b"x" * size), name)}, content_type="multipart/form-data")


def _today(app, world, quota="messages"):
    """Redis' own count."""
    return app.extensions["onyx"].store.client.get(key(world.acme.id, "quota", quota, int(time.time() // 86_400)))


def _left_of_today():
    return int(86_400 - time.time() % 86_400)


def test_of_twenty_who_are_added_at_once_as_many_come_as_there_is_room_for(client_of, allow, owner, world, events):
    allow(quota_users=11)  # the cast are six
    dana = client_of("dana")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: dana.post(USERS, json=_person(n)), range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 15
    refused = error_in(next(answer for answer in answers if answer.status_code == 409))
    assert refused["code"] == "quota_exceeded" and refused["quota"] == "users" and "11 people" in refused["message"]
    assert owner.execute(f"select count(*) from {world.acme.schema}.app_user").fetchone()[0] == 11
    told = events(world.acme, "quota.reached")
    assert len(told) == 1 and told[0]["targets"][0]["id"] == "users" and told[0]["outcome"] == "denied"


def test_who_leaves_makes_room_and_globex_is_not_concerned(client_of, allow, world):
    allow(quota_users=6)
    dana = client_of("dana")
    assert dana.post(USERS, json=_person(1)).status_code == 409
    assert client_of("greta").post(USERS, json=_person(1)).status_code == 201
    assert dana.delete(f"{USERS}/{world.lee.id}").status_code == 200
    assert dana.post(USERS, json=_person(1)).status_code == 201
    allow(quota_users=None)
    assert dana.post(USERS, json=_person(2)).status_code == 201


def test_files_at_once_fill_the_room_and_no_more(client_of, allow, owner, world, events):
    allow(quota_storage_bytes=10_000)
    alice, bob = client_of("alice"), client_of("bob")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: _file([alice, bob][n % 2], 3_000, f"{n}.txt"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [413] * 5
    refused = error_in(next(answer for answer in answers if answer.status_code == 413))
    assert (refused["code"], refused["quota"]) == ("quota_exceeded", "storage") and "10 kB" in refused["message"]
    assert _file(alice, 1_000).status_code == 201, "what fits comes in"
    assert _file(alice, 1).status_code == 413
    file = alice.get(FILES).get_json()["data"][0]["id"]
    assert alice.delete(f"{FILES}/{file}").status_code == 200
    assert _file(bob, 1_000).status_code == 201
    assert len(events(world.acme, "quota.reached")) == 1
    used = client_of("dana").get(SETTINGS).get_json()["data"]["usage"]["storage_bytes"]
    assert used == {
        "used": owner.execute(f"select sum(size) from {world.acme.schema}.user_file").fetchone()[0],
        "limit": 10_000,
    }


def test_of_many_messages_at_once_as_many_are_sent_as_the_day_allows(client_of, allow, owner, world, events):
    allow(quota_messages_daily=5)
    alice, bob, before = client_of("alice"), client_of("bob"), _left_of_today()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: _send([alice, bob][n % 2], f"message {n}"), range(20)))
        statuses = sorted(answer.status_code for answer in answers)
        for answer in answers:
            answer.get_data()
    assert statuses == [200] * 5 + [429] * 15
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert error_in(refused)["quota"] == "messages" and "midnight" in error_in(refused)["message"]
    assert before >= int(refused.headers["Retry-After"]) >= _left_of_today()
    sent = owner.execute(f"select count(*) from {world.acme.schema}.chat_message where role = 'user'").fetchone()[0]
    assert sent == 5
    assert [event["targets"][0]["id"] for event in events(world.acme, "quota.reached")] == ["messages"]
    assert _send(client_of("mallory")).status_code == 200, "another organisation's day is its own"


def test_what_was_not_sent_does_not_count(client_of, allow, app, world):
    allow(quota_messages_daily=3)
    alice = client_of("alice")
    assert _send(alice, client_id="one").status_code == 200
    assert _send(alice, client_id="one").status_code == 200, "the same message again"
    assert _send(alice, "").status_code == 422
    assert _send(alice, session_id=str(world.bob.id)).status_code == 404
    by_cookie = client_of("alice", by="cookie", csrf=False)
    assert _send(by_cookie).status_code == 403
    assert client_of("carol").post(CHAT, json={"text": "hello"}).status_code == 403
    assert int(_today(app, world)) == 1
    assert [_send(alice, f"more {n}").status_code for n in range(3)] == [200, 200, 429]


def test_a_day_begins_from_what_postgresql_counted_when_redis_has_forgotten(client_of, allow, app, world, owner):
    alice = client_of("alice")
    assert [_send(alice, f"before {n}").status_code for n in range(2)] == [200, 200], "no limit yet, and counted"
    allow(quota_messages_daily=4)
    assert _today(app, world) is None
    assert _send(alice).status_code == 200
    assert int(_today(app, world)) == 3
    app.extensions["onyx"].store.client.delete(key(world.acme.id, "quota", "messages", int(time.time() // 86_400)))
    assert [_send(alice, f"after {n}").status_code for n in range(3)] == [200, 429, 429]
    owner.execute(f"update {world.acme.schema}.usage_day set day = day - 1")
    app.extensions["onyx"].store.client.delete(key(world.acme.id, "quota", "messages", int(time.time() // 86_400)))
    assert _send(alice, "another day").status_code == 200


def test_sockets_are_told_and_do_not_try_again(server, socket_of, allow):
    allow(quota_messages_daily=1)
    socket = socket_of("alice", server())
    first = socket.ask("message:sent", {"content": "hello", "clientId": "c1"})
    assert first["ok"], first
    again = socket.ask("message:sent", {"content": "hello", "clientId": "c1"})
    assert again["ok"] and again["messageId"] == first["messageId"], "whoever missed the acknowledgement gets it"
    refused = socket.ask("message:sent", {"content": "one more", "clientId": "c2"})
    assert refused["ok"] is False and refused["error"]["code"] == "quota_exceeded"
    assert refused["error"]["retry"] is False and refused["error"]["quota"] == "messages"
    retried = socket.ask("message:retry", {"sessionId": first["sessionId"], "messageId": first["replyId"]})
    assert retried["ok"] is False and retried["error"]["code"] == "quota_exceeded", "another answer is another message"


def test_calls_with_api_keys_are_counted_and_end_for_the_day(client_of, allow, app, world, owner, events):
    made = (
        client_of("alice").post("/api/v1/api-keys", json={"name": "p", "permissions": ["chat:use"]}).get_json()["data"]
    )
    program = app.test_client()
    program.token = made["key"]
    log = app.extensions["onyx"].access_log

    def drain():
        with app.app_context():
            log.drain()

    assert [program.get("/api/v1/sessions").status_code for _ in range(3)] == [200] * 3
    drain()
    allow(quota_api_calls_daily=5)
    assert [program.get("/api/v1/sessions").status_code for _ in range(4)] == [200, 200, 429, 429]
    refused = program.get("/api/v1/sessions")
    assert error_in(refused)["quota"] == "api_calls" and int(refused.headers["Retry-After"]) > 0
    assert client_of("alice").get("/api/v1/sessions").status_code == 200, "people are not programs"
    drain()
    counted = owner.execute(
        f"select sum(used) from {world.acme.schema}.usage_day where metric = 'api_calls'"
    ).fetchone()
    assert counted[0] == 5
    assert len(events(world.acme, "quota.reached")) == 1


def test_a_dead_key_uses_nothing_up(client_of, allow, app, world):
    alice = client_of("alice")
    made = alice.post("/api/v1/api-keys", json={"name": "p", "permissions": ["chat:use"]}).get_json()["data"]
    allow(quota_api_calls_daily=5)
    program = app.test_client()
    program.token = made["key"]
    assert program.get("/api/v1/sessions").status_code == 200
    assert alice.delete(f"/api/v1/api-keys/{made['id']}").status_code == 200
    assert [program.get("/api/v1/sessions").status_code for _ in range(4)] == [401] * 4
    assert int(_today(app, world, "api_calls")) == 1


def test_usage_is_seen_by_both_administrations(client_of, allow, app, world):
    assert _send(client_of("alice")).status_code == 200
    assert _file(client_of("bob"), 500).status_code == 201
    seen = allow(quota_users=20, quota_messages_daily=9)["usage"]
    assert seen == client_of("dana").get(SETTINGS).get_json()["data"]["usage"]
    assert seen == {
        "users": {"used": 6, "limit": 20},
        "storage_bytes": {"used": 500, "limit": None},
        "messages": {"used": 1, "limit": 9},
        "api_calls": {"used": 0, "limit": None},
    }


@pytest.mark.parametrize("name", ["alice", "carol", "lee"])
def test_nobody_else_sees_or_changes_settings(client_of, name):
    client = client_of(name)
    assert client.get(SETTINGS).status_code == 403
    assert client.patch(SETTINGS, json={"email_domains": []}).status_code == 403


def test_invitations_keep_a_seat_and_who_comes_with_one_takes_it(client_of, allow, app, world, events):
    allow(quota_users=8)
    dana = client_of("dana")
    sent = [
        dana.post("/api/v1/invitations", json={"email": f"guest-{n}@acme.example", "roles": ["user"]}) for n in range(3)
    ]
    assert [answer.status_code for answer in sent] == [201, 201, 409], sent[0].text
    assert error_in(sent[2])["code"] == "quota_exceeded"
    assert dana.post(USERS, json=_person(1)).status_code == 409
    csv = "email,display_name,roles\nrow@acme.example,Row,user\n"
    for make in ("accounts", "invitations"):
        taken = dana.post(f"{USERS}/import?make={make}&dry_run=false", data=csv, content_type="text/csv").get_json()[
            "data"
        ]
        assert taken["refused"] == 1 and "8 people" in taken["results"][0]["error"]
    token = sent[0].get_json()["data"]["link"].rpartition("#")[2].rpartition("=")[2]
    redeemed = app.test_client().post(
        "/api/v1/invitations/redeem",
        json={"token": token, "password": "drei graue Enten laufen", "display_name": "Guest"},
    )
    assert redeemed.status_code == 201, redeemed.text
    assert dana.get(SETTINGS).get_json()["data"]["usage"]["users"] == {"used": 8, "limit": 8}
    assert len(events(world.acme, "quota.reached")) == 1


def test_a_directory_brings_nobody_beyond_the_limit(client_of, allow, app, world):
    made = client_of("dana").post("/api/v1/api-keys", json={"name": "d", "permissions": ["scim:provision"]})
    directory = app.test_client()
    directory.token = made.get_json()["data"]["key"]
    wanted = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "from-there@acme.example"}
    allow(quota_users=6)
    refused = directory.post("/scim/v2/Users", json=wanted)
    assert refused.status_code == 409 and "6 people" in refused.get_json()["detail"]
    allow(quota_users=7)
    assert directory.post("/scim/v2/Users", json=wanted).status_code == 201
