"""Exports that are handed out, and archives that come in: by platform admins, for some hours, looked at before (T12)."""

from __future__ import annotations

import json
import os
import time
from uuid import UUID

import pytest

from onyx.backups import parcel_routes, parcels, passing, receiving
from onyx.backups.operations import LONG, Operations
from onyx.tenancy import steward
from tests.backups.test_archives import flipped, frames_of

BYTES = "application/octet-stream"


@pytest.fixture(scope="module")
def world(app, owner_url):
    from tests.cast import make_world

    return make_world(app, owner_url)


@pytest.fixture(scope="module")
def place(app, tmp_path_factory):
    """A data folder that the pages and the steward share."""
    state, folder = app.extensions["onyx"], tmp_path_factory.mktemp("parcels")
    before = state.settings
    state.settings = before.model_copy(update={"onyx_var": folder})
    yield folder
    state.settings = before


@pytest.fixture
def carried_out(app, owner_url, place):
    """Do what the steward was asked for, as its process does; returns the newest request as the page sees it."""

    def run(client):
        while (request := steward.claim_next(owner_url, only=LONG)) is not None:
            steward.run(owner_url, request, Operations(app.extensions["onyx"].settings).table)
        return client.get("/api/v1/backup-requests").get_json()["data"][0]

    return run


@pytest.fixture
def petra(client_of, owner):
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    return client_of("petra")


@pytest.fixture
def exported(petra, world, carried_out):
    """An export of Acme: what the answer said, with the file's address."""
    made = petra.post(f"/api/v1/tenants/{world.acme.id}/exports", json={}).get_json()["data"]
    assert carried_out(petra)["state"] == "done", carried_out(petra)
    return {**made, "path": f"/api/v1/exports/{made['parcel_id']}/file"}


def _receive(client, data, **headers):
    return client.post("/api/v1/imports", data=data, content_type=BYTES, headers=headers)


def test_it_is_nobody_elses_business_and_needs_a_fresh_confirmation(petra, client_of, exported, owner, world):
    """The first test: once there is a copy of Acme, its people name their organisation when they sign in."""
    for name in ("dana", "carol", "alice", "mallory"):
        client = client_of(name)
        for answer in (
            client.get(exported["path"]), client.get("/api/v1/parcels"), _receive(client, b"x"),
            client.post(f"/api/v1/tenants/{world.acme.id}/exports", json={}),
        ):  # fmt: skip
            assert answer.status_code == 403
    schema = world.platform.schema
    owner.execute(f"update {schema}.login_session set created_at = now() - interval '1 hour' where user_id = %s",
                  [world.petra.id])  # fmt: skip
    for answer in (
        petra.get(exported["path"]),
        _receive(petra, b"x"),
        petra.post(f"/api/v1/tenants/{world.acme.id}/exports", json={}),
    ):
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "step_up_required")


def test_an_export_is_asked_for_fetched_and_imported(petra, world, owner, exported, carried_out):
    asked = owner.execute("select arguments, requested_by from onyx.steward_request").fetchall()
    assert [row[1] for row in asked] == [world.petra.id]
    assert "sealed" not in asked[0][0] and exported["passphrase"] not in json.dumps(asked[0][0])
    answer = petra.get(exported["path"])
    assert answer.status_code == 200 and answer.content_type == BYTES and answer.is_streamed
    assert "no-store" in answer.headers["Cache-Control"] and world.acme.slug in answer.headers["Content-Disposition"]
    data = answer.data
    assert int(answer.headers["Content-Length"]) == len(data) and world.alice.email.encode() not in data
    received = _receive(petra, data).get_json()["data"]
    assert (received["slug"], received["state"], received["size"]) == (world.acme.slug, "ready", len(data))
    slug, path = f"{world.acme.slug}-i", f"/api/v1/imports/{received['id']}/start"
    sent = {"slug": slug, "passphrase": exported["passphrase"]}
    for change, field in (
        ({"passphrase": "wrong"}, "passphrase"), ({"slug": "No Slug"}, "slug"), ({"node": "three"}, "node"),
    ):  # fmt: skip
        refused = petra.post(path, json={**sent, **change})
        assert refused.status_code == 422 and field in refused.get_json()["error"]["fields"], refused.text
    assert petra.post(path, json={**sent, "slug": world.globex.slug}).status_code == 409
    assert petra.post(path, json=sent).status_code == 202
    assert carried_out(petra)["state"] == "done", carried_out(petra)
    assert petra.get(f"/api/v1/tenants?q={slug}").get_json()["data"][0]["people"] == 6
    assert petra.post(path, json=sent).status_code == 409, "it was imported"
    told = owner.execute(
        f"select action, actor->>'display' from {world.platform.schema}.audit_event where action ~ '^(export|import)'"
        " order by recorded_at, event_id"
    ).fetchall()
    assert told[-4:] == [(a, world.petra.email) for a in
                         ("export.asked", "export.downloaded", "import.received", "import.asked")]  # fmt: skip
    assert ("tenant.exported",) in owner.execute(f"select action from {world.acme.schema}.audit_event").fetchall()


def test_a_steward_that_dies_after_the_commit_makes_no_second_organisation(
    petra, world, owner, owner_url, exported, carried_out, app, place, monkeypatch
):
    class Killed(BaseException):
        pass

    def restored_and_dead(*words, **more):
        restore(*words, **more)
        raise Killed

    parcel = _receive(petra, petra.get(exported["path"]).data).get_json()["data"]["id"]
    slugs = [f"{world.acme.slug}-{letter}" for letter in "xy"]
    for slug in slugs:
        sent = {"slug": slug, "passphrase": exported["passphrase"]}
        assert petra.post(f"/api/v1/imports/{parcel}/start", json=sent).status_code == 202
    restore = passing.restore
    monkeypatch.setattr(passing, "restore", restored_and_dead)
    with pytest.raises(Killed):
        carried_out(petra)
    monkeypatch.setattr(passing, "restore", restore)
    second = carried_out(petra)
    assert (second["slug"], second["state"]) == (slugs[1], "failed") and "not here any more" in second["error"]
    made = owner.execute("select slug, status from onyx.tenant where slug = any(%s)", [slugs]).fetchall()
    assert made == [(slugs[0], "active")]
    assert [one["state"] for one in petra.get("/api/v1/parcels").get_json()["data"] if one["id"] == parcel] == ["done"]
    left = parcels.path_of(place, UUID(parcel))
    os.utime(left, (0, 0))
    parcels.sweep(owner, place)
    assert not left.exists()


def test_a_download_ends_with_the_session_that_asked_for_it(client_of, exported, monkeypatch):
    monkeypatch.setattr(parcel_routes, "_CHUNK", 1024)
    petra = client_of("petra")
    answer = petra.get(exported["path"], buffered=False)
    pieces = iter(answer.response)
    assert next(pieces)
    assert petra.post("/api/v1/auth/logout").status_code == 200
    assert sum(map(len, pieces)) < 8192 < int(answer.headers["Content-Length"])


def test_what_is_no_whole_export_is_refused_and_not_kept(petra, place, exported, owner_url, world, carried_out):
    data = petra.get(exported["path"]).data
    before = sorted(path.name for path in (place / "parcels").iterdir())
    petra.post(f"/api/v1/tenants/{world.acme.id}/backups", json={})
    carried_out(petra)
    [backup] = (place / "backups").rglob("*.onyx")
    for harmed, words in (
        (b"", "not an archive"), (b"PK\x03\x04" + data, "not an archive"), (data[:40], "cut off"),
        (data[:-1], "cut off"), (data + b"x", "follows"), (data.replace(b'"format":2', b'"format":9'), "format 9"),
        (backup.read_bytes(), "only where it was made"),
    ):  # fmt: skip
        answer = _receive(petra, harmed)
        assert answer.status_code == 422, answer.text
        assert words in answer.get_json()["error"]["fields"]["archive"]
    assert sorted(path.name for path in (place / "parcels").iterdir()) == before


def test_what_was_altered_inside_is_found_before_anything_is_made(petra, exported, owner, world):
    data = petra.get(exported["path"]).data
    longest = max(frames_of(data)[1], key=len)
    received = _receive(petra, flipped(data, data.index(longest) + len(longest) // 2))  # of its words, not its length
    assert received.status_code == 201, received.text
    sent = {"slug": f"{world.acme.slug}-z", "passphrase": exported["passphrase"]}
    answer = petra.post(f"/api/v1/imports/{received.get_json()['data']['id']}/start", json=sent)
    assert answer.status_code == 422 and "archive" in answer.get_json()["error"]["fields"], answer.text
    assert owner.execute("select count(*) from onyx.steward_request where operation = 'import_archive'").fetchone() == (
        0,
    )


def test_too_much_is_refused(app, petra, place, monkeypatch):
    state = app.extensions["onyx"]
    with monkeypatch.context() as small:
        small.setattr(state, "settings", state.settings.model_copy(update={"import_limit": 2048}))
        assert _receive(petra, b"x" * 4096).status_code == 413
    with monkeypatch.context() as full:
        full.setattr(receiving, "_SPARE", 1 << 62)
        assert _receive(petra, b"x").status_code == 409, "the disk is full"
    with monkeypatch.context() as many:
        many.setattr(parcels, "MOST_WAITING", 0)
        assert _receive(petra, b"x").status_code == 409
    assert not list((place / "parcels").glob("*.part"))


def test_files_go_when_their_time_is_over(petra, exported, owner, place, world):
    file = parcels.path_of(place, UUID(exported["parcel_id"]))
    stray = file.with_name("0" * 32 + ".onyx.part")
    stray.write_bytes(b"x")
    parcels.sweep(owner, place)
    assert file.exists() and stray.exists(), "somebody may be sending it"
    os.utime(stray, (time.time() - 7200,) * 2)
    owner.execute(
        "update onyx.parcel set expires_at = now() - interval '1 second' where id = %s", [exported["parcel_id"]]
    )
    assert petra.get(exported["path"]).status_code == 404
    assert parcels.sweep(owner, place) == 1
    assert not file.exists() and not stray.exists()
    [gone, *_] = petra.get("/api/v1/parcels").get_json()["data"]
    assert (gone["id"], gone["state"]) == (exported["parcel_id"], "gone")
