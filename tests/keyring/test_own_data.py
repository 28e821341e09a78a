"""Everything that is kept about somebody, for them to take away: whole, theirs alone, while their session lasts (C11)."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.keyring.conftest import upload


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_one_downloads_everything_about_oneself_and_nothing_of_others(client_of, world, owner):
    alice, bob = client_of("alice"), client_of("bob")
    upload(alice), upload(bob, "Bob's secret canary.", "bob.txt")
    alice.post("/api/v1/chat", json={"text": "When does the harbour open?"})
    answer = alice.get("/api/v1/users/me/data")
    assert answer.status_code == 200 and answer.content_type == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(texts["profile.json"])["email"] == world.alice.email
    lines = {
        name: [json.loads(one) for one in text.splitlines()] for name, text in texts.items() if name.endswith(".jsonl")
    }
    assert any("harbour" in row["content"] for row in lines["messages.jsonl"])
    assert [row["name"] for row in lines["files.jsonl"]] == ["harbour.txt"]
    assert len(lines["chats.jsonl"]) == 1 and lines["login_sessions.jsonl"]
    assert "session.created" in {row["action"] for row in lines["trail.jsonl"]}
    assert [text for name, text in texts.items() if name.startswith("files/")] == ["The harbour opens at nine."]
    whole = "\n".join(texts.values())
    assert "canary" not in whole and world.bob.email not in whole and "argon2" not in whole
    told = f"select count(*) from {world.acme.schema}.audit_event where action = 'personal_data.exported'"
    assert owner.execute(told).fetchone() == (1,)


def test_what_retention_has_set_aside_is_given_out_too(client_of, world, owner):
    alice = client_of("alice")
    for text in ("When does the harbour open?", "And when does it close?"):
        alice.post("/api/v1/chat", json={"text": text})
    table = f"{world.acme.schema}.chat_session"
    (aside,) = owner.execute(f"select id from {table} where user_id = %s limit 1", [world.alice.id]).fetchone()
    owner.execute(f"alter table {table} disable trigger user")
    owner.execute(f"update {table} set set_aside_at = now() where id = %s", [aside])
    owner.execute(f"alter table {table} enable trigger user")

    def chats(client, part):
        archive = zipfile.ZipFile(io.BytesIO(client.get("/api/v1/users/me/data").data))
        return [json.loads(one) for one in archive.read(f"{part}.jsonl").splitlines()]

    assert [row["id"] for row in chats(alice, "chats_set_aside")] == [str(aside)]
    assert len(chats(alice, "chats")) == 1 and {row["chat_session_id"] for row in chats(alice, "messages")} > {
        str(aside)
    }
    assert chats(client_of("bob"), "chats_set_aside") == []


def test_the_download_ends_with_the_session_that_asked_for_it(client_of, monkeypatch):
    from onyx.account import data_routes

    monkeypatch.setattr(data_routes, "_CHUNK", 64)
    alice = client_of("alice")
    answer = alice.get("/api/v1/users/me/data", buffered=False)
    pieces = iter(answer.response)
    assert next(pieces)
    assert alice.post("/api/v1/auth/logout").status_code == 200
    assert sum(map(len, pieces)) < 1024


def test_many_rows_come_all_and_once(client_of, world, monkeypatch):
    from onyx.account import personal_data

    alice = client_of("alice")
    names = {f"{number}.txt" for number in range(7)}
    for name in names:
        upload(alice, f"Text of {name}", name)
    monkeypatch.setattr(personal_data, "BATCH", 3)
    archive = zipfile.ZipFile(io.BytesIO(alice.get("/api/v1/users/me/data").data))
    rows = [json.loads(one) for one in archive.read("files.jsonl").splitlines()]
    assert sorted(row["name"] for row in rows) == sorted(names)
    assert len([name for name in archive.namelist() if name.startswith("files/")]) == 7
