"""Chats beyond their organisation's retention: set aside, seen by nobody, brought back or gone a week later (J1, J4)."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from onyx.core.db import rows, unit_of_work
from onyx.core.scope import tenant_scope
from onyx.retention import chats as applying
from tests.retention.conftest import age


def test_old_chats_are_set_aside_and_go_a_week_later(
    world, old_chat, decide, allow, expire, chats, later, events, owner
):
    old, edge, young = old_chat("alice", 40), old_chat("bob", 29.99), old_chat("alice", 1)
    theirs = old_chat("mallory", 400)
    allow(world.globex, retention_chat_days=500)
    assert decide(retention_chat_days=30).status_code == 200
    expire()
    assert chats(world.acme) == {str(old): True, str(edge): False, str(young): False}
    told = events(world.acme, "chats.suspended")
    assert [one["targets"][0]["id"] for one in told] == [str(old)] and told[0]["actor"]["type"] == "job"
    assert (told[0]["details"]["chats"], told[0]["details"]["retention_chat_days"]) == (1, 30)

    later(world.acme, 6.9)
    expire()
    assert str(old) in chats(world.acme), "not before a week is over"
    later(world.acme, 0.2)
    expire()
    assert chats(world.acme) == {str(edge): False, str(young): False}
    left = owner.execute(f"select count(*) from {world.acme.schema}.chat_message where chat_session_id = %s", [old])
    assert left.fetchone() == (0,)
    gone = events(world.acme, "chats.removed")
    assert [(one["details"]["chats"], one["details"]["messages"]) for one in gone] == [(1, 2)]
    assert "secret" not in str(told + gone) and "title" not in str(told + gone)
    assert chats(world.globex) == {str(theirs): False}, "another organisation has its own rule"
    expire()
    assert len(events(world.acme, "chats.removed")) == 1, "nothing to do is no event"


def test_a_chat_with_a_new_message_stays(world, old_chat, decide, expire, chats, later, session_of, actor_of, owner):
    """F40: retention is measured from the last message, never from the beginning."""
    chat = old_chat("alice", 40)
    owner.execute(f"update {world.acme.schema}.chat_session set created_at = now() - interval '4000 days'")
    age(owner, world.acme, chat, 3)
    decide(retention_chat_days=30)
    expire()
    assert chats(world.acme) == {str(chat): False}


def test_what_is_set_aside_is_there_for_nobody(world, old_chat, decide, expire, client_of, session_of, actor_of):
    """F44: hidden is not readable by its address either."""
    chat = old_chat("alice", 40)
    alice = client_of("alice")
    assert alice.get(f"/api/v1/sessions/{chat}").status_code == 200
    assert len(alice.get("/api/v1/search?q=secret").get_json()["data"]) == 2
    decide(retention_chat_days=30)
    expire()
    for path in ("", "/messages", "/export?format=md"):
        assert alice.get(f"/api/v1/sessions/{chat}{path}").status_code == 404, path
    assert alice.delete(f"/api/v1/sessions/{chat}").status_code == 404
    assert alice.patch(f"/api/v1/sessions/{chat}", json={"title": "x"}).status_code == 404
    sent = alice.post("/api/v1/chat", json={"text": "hello", "session_id": str(chat)})
    assert sent.status_code == 404 or "not_found" in sent.text
    assert alice.get("/api/v1/sessions").get_json()["data"] == []
    assert alice.get("/api/v1/search?q=secret").get_json()["data"] == []
    assert "1 older chat" in alice.get("/settings/data").text
    with session_of("alice") as session:
        for asked in ("get_session_messages(%s, 10, 0)", "search_messages(plainto_tsquery('simple', 'secret'), 10)"):
            found = rows(session, f"select * from {asked}", *([chat] if "%s" in asked else []))
            assert found == [], asked


@pytest.mark.parametrize("by", ["longer", "none", "hold"])
def test_a_longer_rule_or_a_hold_brings_back(by, world, old_chat, decide, expire, chats, client_of, events):
    chat = old_chat("alice", 40)
    decide(retention_chat_days=30)
    expire()
    assert chats(world.acme) == {str(chat): True}
    if by == "hold":
        put = client_of("dana").put("/api/v1/tenant/legal-hold", json={"on": True, "reason": "Case 7"})
        assert put.status_code == 200, put.text
    else:
        decide(retention_chat_days=60 if by == "longer" else None)
    expire()
    assert chats(world.acme) == {str(chat): False}
    assert client_of("alice").get(f"/api/v1/sessions/{chat}/messages").status_code == 200
    assert len(events(world.acme, "chats.restored")) == 1


def test_a_legal_hold_wins(world, old_chat, decide, expire, chats, later, client_of, events, owner):
    chat = old_chat("alice", 400)
    dana = client_of("dana")
    decide(retention_chat_days=30)
    dana.put("/api/v1/tenant/legal-hold", json={"on": True, "reason": "Case 7"})
    expire()
    # What was set aside before a hold, and somebody who runs the steps by hand meanwhile.
    with tenant_scope(world.acme.id, applying.PURPOSE), _app(client_of), unit_of_work() as session:
        for step in ("retention_set_aside(30, 100)", "retention_remove(30, 100)"):
            assert rows(session, f"select * from {step}") == []
    assert chats(world.acme) == {str(chat): False}
    assert dana.put("/api/v1/tenant/legal-hold", json={"on": True}).status_code == 409
    held = dana.get("/api/v1/tenant/retention").get_json()["data"]["legal_hold"]
    assert held["by"] == world.dana.email and held["reason"] == "Case 7"
    begun = events(world.acme, "legal_hold.begun")
    assert [(one["changes"][0]["old"], one["changes"][0]["new"], one["details"]["why"]) for one in begun] == [
        (False, True, "Case 7")
    ]
    assert dana.put("/api/v1/tenant/legal-hold", json={"on": False}).status_code == 200
    assert events(world.acme, "legal_hold.ended")[0]["details"]["held_by"] == world.dana.email
    expire()
    assert chats(world.acme) == {str(chat): True}


def _app(client_of):
    return client_of(None).application.app_context()


def test_a_preview_is_what_then_goes(world, old_chat, decide, expire, chats, client_of, later):
    for days in (31, 45, 60.5, 29, 2):
        old_chat("alice", days)
    old_chat("bob", 33, messages=5)
    dana = client_of("dana")
    told = dana.get("/api/v1/tenant/retention?chat_days=30").get_json()["data"]["chats"]
    assert told["days"] is None
    shown = told["preview"]
    assert (shown["chats"], shown["messages"], shown["people"]) == (4, 11, 2) and shown["oldest"]
    decide(retention_chat_days=30)
    done = expire()
    assert done.effects == shown["chats"] == sum(chats(world.acme).values())
    told = dana.get("/api/v1/tenant/retention").get_json()["data"]["chats"]
    assert (told["set_aside"]["chats"], told["preview"]["chats"]) == (4, 0) and told["set_aside"]["goes_at"]
    later(world.acme, 7.1)
    assert expire().effects == 4 and len(chats(world.acme)) == 2


def test_only_who_may_change_the_rule_sees_and_holds(client_of, world):
    held = {"on": True}
    for name in ("alice", "carol", "cleo", "lee"):
        assert client_of(name).put("/api/v1/tenant/legal-hold", json=held).status_code == 403
        assert client_of(name).get("/api/v1/tenant/retention").status_code == 403
    assert client_of("dana").put(f"/api/v1/tenants/{world.acme.id}/legal-hold", json=held).status_code == 403
    petra = client_of("petra")
    assert petra.put(f"/api/v1/tenants/{world.acme.id}/legal-hold", json=held).status_code == 200
    told = petra.get(f"/api/v1/tenants/{world.acme.id}/retention").get_json()["data"]
    assert told["legal_hold"]["by"] == world.petra.email
    lifted = client_of("dana").put("/api/v1/tenant/legal-hold", json={"on": False})
    assert lifted.status_code == 403 and "platform" in lifted.text
    assert client_of("carol").get("/api/v1/access-log/retention").get_json()["data"]["legal_hold"]
    assert petra.get(f"/api/v1/tenants/{world.globex.id}/retention").get_json()["data"]["legal_hold"] is None
    refused = petra.post(f"/api/v1/tenants/{world.acme.id}/delete", json={"slug": world.acme.slug, "reason": "x"})
    assert refused.status_code == 409 and "legal hold" in refused.text
    for bad in ({}, {"on": "yes"}, {"on": True, "reason": "x" * 501}):
        assert petra.put(f"/api/v1/tenants/{world.acme.id}/legal-hold", json=bad).status_code == 422


def test_the_jobs_purpose_reads_nothing_that_people_wrote(app, world, old_chat, owner):
    """It learns whose chats go, and can neither read them nor take a shorter rule than the organisation's."""
    chat = old_chat("alice", 40)
    with app.app_context(), tenant_scope(world.acme.id, applying.PURPOSE), unit_of_work() as session:
        for table in ("chat_session", "chat_message", "project", "user_file", "file_passage"):
            assert rows(session, f"select 1 from {table} limit 1") == [], table
        for step in ("retention_set_aside(1, 100)", "retention_remove(0, 100)"):
            assert rows(session, f"select * from {step}") == [], step
    owner.execute(
        "update onyx.tenant set settings = settings || '{\"retention_chat_days\": 30}' where id = %s", [world.acme.id]
    )
    with app.app_context(), tenant_scope(world.acme.id, applying.PURPOSE), unit_of_work() as session:
        assert rows(session, "select * from retention_set_aside(20, 100)") == [], "shorter than the rule"
        found = rows(session, "select * from retention_set_aside(30, 100)")
        assert [(row.id, set(row._fields)) for row in found] == [(chat, {"user_id", "id"})]
        session.rollback()
    for purpose in ("admin", "auditor", "auth", "member", "platform", "job:sessions"):
        with app.app_context(), tenant_scope(world.acme.id, purpose, world.alice.id), unit_of_work() as session:
            for step in (
                "retention_set_aside(30, 100)",
                "retention_remove(30, 100)",
                "retention_bring_back(null, 100)",
            ):
                assert rows(session, f"select * from {step}") == [], purpose


def test_setting_aside_without_an_event_cannot_commit(app, world, old_chat, decide):
    old_chat("alice", 40)
    decide(retention_chat_days=30)
    with (
        pytest.raises(DBAPIError) as refused,
        app.app_context(),
        tenant_scope(world.acme.id, applying.PURPOSE),
        unit_of_work() as session,
    ):
        rows(session, "select * from retention_set_aside(30, 100)")
    assert getattr(refused.value.orig, "sqlstate", "") == "ON001"


def test_batches_commit_by_themselves_and_the_rest_goes_on(world, old_chat, decide, expire, chats, events, monkeypatch):
    """What a killed run had committed stays, with its event; the next one does the rest."""
    monkeypatch.setattr(applying, "BATCH", 2)
    for _ in range(5):
        old_chat("alice", 40, messages=1)
    decide(retention_chat_days=30)
    told = applying._Step._told

    def killed(step, session, action, found):
        told(step, session, action, found)
        if step.done:
            raise SystemExit("kill -9")

    monkeypatch.setattr(applying._Step, "_told", killed)
    with pytest.raises(SystemExit):
        expire()
    assert sum(chats(world.acme).values()) == 2 and len(events(world.acme, "chats.suspended")) == 1
    monkeypatch.setattr(applying._Step, "_told", told)
    assert expire().effects == 3 and sum(chats(world.acme).values()) == 5
    assert [one["details"]["chats"] for one in events(world.acme, "chats.suspended")] == [2, 2, 1]


def test_a_broken_organisation_keeps_no_other(world, old_chat, decide, allow, expire, chats, owner, events):
    theirs, ours = old_chat("mallory", 40), old_chat("alice", 40)
    allow(world.globex, retention_chat_days=30)
    decide(retention_chat_days=30)
    owner.execute(f"revoke execute on function {world.globex.schema}.retention_set_aside from {world.globex.schema}")
    done = expire()
    assert (done.outcome, done.failed) == ("failed", 1)
    assert chats(world.acme) == {str(ours): True} and chats(world.globex) == {str(theirs): False}
    assert len(events(world.globex, "job.failed")) == 1


def test_open_devices_hear_of_it(world, old_chat, decide, expire, server, socket_of):
    chat, other = old_chat("alice", 40), old_chat("bob", 40)
    here = server()
    alice, bob = socket_of("alice", here), socket_of("bob", here)
    decide(retention_chat_days=30)
    expire()
    for socket, own in ((alice, chat), (bob, other)):
        assert socket.wait_for("session:deleted")["sessionId"] == str(own)
    decide(retention_chat_days=None)
    expire()
    assert alice.wait_for("chats:changed")["count"] == 1
