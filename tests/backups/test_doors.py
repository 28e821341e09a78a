"""Backups by the page's API and the steward, and at the command line; by nobody but the platform's people."""

import json

import psycopg
import pytest

from onyx.backups import restore
from onyx.backups.operations import LONG, Operations
from onyx.commands import backups as commands
from onyx.tenancy import steward


@pytest.fixture
def carried_out(app, owner, owner_url, tmp_path):
    """Do what the steward was asked for, as its process does; returns the requests' rows."""
    owner.execute("delete from onyx.steward_request")  # what other tests left behind
    settings = app.extensions["onyx"].settings.model_copy(update={"onyx_var": tmp_path})

    def work(client):
        while (request := steward.claim_next(owner_url, only=LONG)) is not None:
            steward.run(owner_url, request, Operations(settings).table)
        return client.get("/api/v1/backup-requests").get_json()["data"]

    return work


@pytest.fixture
def flask(app, owner_url, tmp_path):
    """Run a command in the test's application, which knows the owner's address as a shell does."""
    state = app.extensions["onyx"]
    served = state.settings
    state.settings = served.model_copy(update={"database_owner_url": owner_url, "onyx_var": tmp_path})
    runner = app.test_cli_runner()
    yield lambda *words: runner.invoke(args=[str(word) for word in words])
    state.settings = served


def test_a_backup_is_asked_for_made_tried_and_restored(client_of, world, full, carried_out, owner):
    petra, path = client_of("petra"), f"/api/v1/tenants/{world.acme.id}/backups"
    answer = petra.post(path, json={})
    assert answer.status_code == 202 and answer.get_json()["data"]["state"] == "queued"
    assert petra.get("/api/v1/backup-requests/waiting").get_json()["data"]["queued"] >= 1
    assert carried_out(petra)[0]["state"] == "done"
    assert petra.get("/api/v1/backup-requests/waiting").get_json()["data"] == {"queued": 0, "running": 0}
    [made] = petra.get(path).get_json()["data"]
    assert made["state"] == "done" and made["size"] > 1000 and made["slug"] == world.acme.slug
    assert made["tenant_there"] is True
    found = petra.get(f"/api/v1/backups?q={world.acme.slug[2:].upper()}").get_json()["data"]
    assert [one["id"] for one in found] == [made["id"]] and petra.get("/api/v1/backups?q=%25").get_json()["data"] == []
    assert petra.post(f"{path}/{made['id']}/drill", json={}).status_code == 202
    [drill, *_] = carried_out(petra)
    assert (drill["state"], drill["tenant_id"], drill["tenant_slug"]) == ("done", None, world.acme.slug)
    assert petra.get(path).get_json()["data"][0]["drill_ok"] is True
    slug = f"{world.acme.slug}-c"
    assert petra.post(f"{path}/{made['id']}/restore", json={"slug": slug}).status_code == 202
    assert carried_out(petra)[0]["state"] == "done", carried_out(petra)[0]
    assert petra.get(f"/api/v1/tenants?q={slug}").get_json()["data"][0]["people"] == 6
    assert petra.post(f"{path}/{made['id']}/restore", json={"slug": slug}).status_code == 409
    told = owner.execute(
        f"select action, actor->>'display' from {world.platform.schema}.audit_event where targets->0->>'display' like %s",
        [f"{world.acme.slug}%"],
    ).fetchall()
    assert {("backup.asked", world.petra.email), ("restore.asked", world.petra.email)} <= set(told)
    assert {action for action, _ in told} >= {"backup.created", "backup.drilled", "tenant.restored"}


def test_in_place_takes_the_typed_name_and_can_be_undone(client_of, world, full, carried_out):
    petra, alice, path = client_of("petra"), client_of("alice"), f"/api/v1/tenants/{world.acme.id}/backups"
    petra.post(path, json={})
    carried_out(petra)
    [made] = petra.get(path).get_json()["data"]
    assert alice.post("/api/v1/projects", json={"name": "later"}).status_code == 201
    for wrong in ({}, {"confirm": "acme"}, {"slug": "No Slug"}):
        assert petra.post(f"{path}/{made['id']}/restore", json=wrong).status_code == 422
    asked = petra.post(f"{path}/{made['id']}/restore", json={"confirm": world.acme.slug})
    assert asked.status_code == 202
    [done, *_] = carried_out(petra)
    assert done["state"] == "done", done
    answer = alice.get("/api/v1/users/me")
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (401, "tenant_restored")
    alice = client_of("alice")
    assert "later" not in {row["name"] for row in alice.get("/api/v1/projects").get_json()["data"]}
    saved = done["result"]["saved_before"]
    petra.post(f"{path}/{saved}/restore", json={"confirm": world.acme.slug})
    assert carried_out(petra)[0]["state"] == "done"
    assert "later" in {row["name"] for row in client_of("alice").get("/api/v1/projects").get_json()["data"]}


def test_backups_are_nobody_elses_business(client_of, world, made):
    path = f"/api/v1/tenants/{world.acme.id}/backups"
    for name in ("dana", "alice", "carol", "mallory"):
        client = client_of(name)
        for answer in (
            client.get(path), client.post(path, json={}), client.get("/api/v1/backups"),
            client.get("/api/v1/backup-requests"), client.post(f"{path}/{made['id']}/restore", json={"slug": "stolen"}),
            client.get("/platform/backups"),
        ):  # fmt: skip
            assert answer.status_code == 403
    petra = client_of("petra")
    other = f"/api/v1/tenants/{world.globex.id}/backups/{made['id']}"
    assert petra.post(f"{other}/restore", json={"slug": "stolen"}).status_code == 404
    assert petra.get("/platform/backups").status_code == 200


def test_the_command_line_saves_lists_tries_and_restores(flask, world, full, app):
    slug = world.acme.slug
    [made] = json.loads(flask("backups", "create", slug, "--json").output)
    [listed] = json.loads(flask("backups", "list", "--tenant", slug, "--json").output)
    assert (listed["id"], listed["state"]) == (made["id"], "done")
    assert json.loads(flask("backups", "drill", made["id"], "--json").output)["ok"] is True
    went = json.loads(flask("backups", "restore", made["id"], "--as", f"{slug}-d", "--json").output)
    assert went["slug"] == f"{slug}-d" and not went["in_place"]
    again = flask("backups", "restore", made["id"], "--as", f"{slug}-d")
    assert again.exit_code == 1 and "already" in again.output
    assert flask("backups", "restore", made["id"], "--yes", "--json").exit_code == 0
    unsure = flask("backups", "restore", made["id"])
    assert unsure.exit_code == 1 and "replaces" in unsure.output


def test_one_that_cannot_be_saved_keeps_no_other(flask, world, full, owner_url, monkeypatch):
    slugs = (world.acme.slug, world.globex.slug)
    with psycopg.connect(owner_url, autocommit=True) as busy, restore.held(busy, world.acme.id):
        said = flask("backups", "create", *slugs)
    assert said.exit_code == 1 and f"{world.acme.slug}: A backup or a restore" in said.output
    monkeypatch.setattr(commands, "_PAGE", 1)
    assert flask("backups", "create", *slugs, "--json").exit_code == 0
    listed = [row["tenant"] for row in json.loads(flask("backups", "list", "--json").output) if row["state"] == "done"]
    assert sorted(slug for slug in listed if slug in slugs) == sorted([*slugs, world.globex.slug]), "all pages of them"
    assert len(json.loads(flask("backups", "list", "--limit", "2", "--json").output)) == 2


def test_an_export_is_restored_with_its_passphrase(flask, world, full, tmp_path):
    file = tmp_path / "acme.onyx"
    made = json.loads(flask("tenants", "export", world.acme.slug, "--out", file, "--json").output)
    assert file.stat().st_mode & 0o777 == 0o600
    wrong = flask("tenants", "restore", file, "--as", f"{world.acme.slug}-e", "--passphrase", "no")
    assert wrong.exit_code == 1 and "passphrase does not open" in wrong.output
    words = ("tenants", "restore", file, "--as", f"{world.acme.slug}-e", "--passphrase", made["passphrase"], "--json")
    assert json.loads(flask(*words).output)["slug"] == f"{world.acme.slug}-e"
