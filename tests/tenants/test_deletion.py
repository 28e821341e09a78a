"""Deleting an organisation: in two steps, whole, and with a certificate that anybody can check (T1, C11)."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from onyx.core import signing
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from onyx.tenancy import signing as keys
from onyx.tenancy import steward as steward_requests
from onyx.tenants import removal
from tests.chat.conftest import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def petra(client_of):
    return client_of("petra")


def _path(world):
    return f"/api/v1/tenants/{world.acme.id}"


def _ask(petra, world):
    answer = petra.post(f"{_path(world)}/delete", json={"slug": world.acme.slug, "reason": "contract over"})
    assert answer.status_code == 202, answer.text
    return answer.get_json()["data"]


def _confirm(petra, world, asked):
    sent = {"slug": world.acme.slug, "deletion_id": asked["id"]}
    return petra.post(f"{_path(world)}/delete", json=sent)


def _schema_is_there(owner, world):
    return owner.execute("select to_regnamespace(%s)", [world.acme.schema]).fetchone() != (None,)


def _rest(owner, world):
    """What the control plane and the cluster still know of a tenant."""
    asked = {
        "schema": "select 1 from pg_namespace where nspname = %(schema)s",
        "role": "select 1 from pg_roles where rolname = %(schema)s",
        "row": "select 1 from onyx.tenant where id = %(id)s",
        "directory": "select 1 from onyx.directory where tenant_id = %(id)s",
        "keys": "select 1 from onyx.tenant_key where tenant_id = %(id)s",
        "people's keys": "select 1 from onyx.user_key where tenant_id = %(id)s",
        "ledger": "select 1 from onyx.tenant_migration where tenant_id = %(id)s",
        "due": "select 1 from onyx.due where tenant_id = %(id)s",
    }
    known = {"schema": world.acme.schema, "id": world.acme.id}
    return [name for name, question in asked.items() if owner.execute(question, known).fetchone()]


def test_it_takes_two_steps_and_the_name_typed_twice(petra, world, owner, app, client_of):
    for typed in ("", "acme", world.acme.slug.upper(), world.globex.slug):
        assert petra.post(f"{_path(world)}/delete", json={"slug": typed}).status_code == 422
    assert client_of("alice").get("/api/v1/users/me").status_code == 200, "nothing has happened"
    alice = client_of("alice")
    asked = _ask(petra, world)
    assert asked["state"] == "requested" and alice.get("/api/v1/users/me").status_code == 401
    assert _ask(petra, world)["id"] == asked["id"], "asked for twice, it stands once and is not confirmed"
    wrong = petra.post(f"{_path(world)}/delete", json={"slug": "acme", "deletion_id": asked["id"]})
    assert wrong.status_code == 422 and wrong.get_json()["error"]["fields"]["slug"]
    other = petra.post(f"{_path(world)}/delete", json={"slug": world.acme.slug, "deletion_id": str(uuid7())})
    assert other.status_code == 409
    assert _schema_is_there(owner, world)


def test_it_can_be_taken_back_until_it_is_confirmed(petra, world, owner, app):
    asked = _ask(petra, world)
    assert petra.post(f"{_path(world)}/resume").status_code == 409, "first it has to be taken back"
    assert petra.post(f"{_path(world)}/delete/cancel").get_json()["data"]["state"] == "cancelled"
    assert _confirm(petra, world, asked).status_code == 409
    assert petra.post(f"{_path(world)}/resume").get_json()["data"]["status"] == "active"
    sent = {"email": world.alice.email, "password": world.alice.password}
    assert app.test_client().post("/api/v1/auth/login", json=sent).status_code == 200


def test_it_waits_as_long_as_the_operator_says(petra, world, app, owner, monkeypatch):
    state = app.extensions["onyx"]
    monkeypatch.setattr(state, "settings", state.settings.model_copy(update={"tenant_deletion_wait_hours": 24}))
    asked = _ask(petra, world)
    answer = _confirm(petra, world, asked)
    assert answer.status_code == 409 and "UTC" in answer.get_json()["error"]["message"]
    owner.execute("update onyx.deletion set confirm_from = now() where id = %s", [asked["id"]])
    assert _confirm(petra, world, asked).get_json()["data"]["state"] == "confirmed"


def test_the_platform_itself_cannot_be_closed_or_deleted(petra, world, owner):
    path = f"/api/v1/tenants/{world.platform.id}"
    for verb in ("suspend", "archive"):
        assert petra.post(f"{path}/{verb}").status_code == 409
    assert petra.post(f"{path}/delete", json={"slug": "platform"}).status_code == 409
    for status in ("suspended", "archived", "deleting"):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("update onyx.tenant set status = %s where slug = 'platform'", [status])


@pytest.fixture
def left_on_disk(app, world, owner):
    """Acme's folders, with a file and a backup in them."""
    base = app.extensions["onyx"].settings.onyx_var
    folders = [base / kind / world.acme.id.hex for kind in ("files", "backups")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "something").write_text("sealed")
    owner.execute(
        "insert into onyx.backup (id, tenant_id, slug, name, kind, state) values (%s, %s, %s, 'one', 'nightly', 'done')",
        [uuid7(), world.acme.id, world.acme.slug],
    )
    return folders


def test_all_of_it_goes_and_the_certificate_tells(petra, world, owner, steward, client_of, redis, left_on_disk):
    client_of("alice").get("/api/v1/users/me")
    events = owner.execute(f"select count(*) from {world.acme.schema}.audit_event").fetchone()[0]
    other = owner.execute(f"select count(*) from {world.globex.schema}.app_user").fetchone()
    assert [*redis.scan_iter(f"t:{world.acme.id}:*")], "there is something to forget"

    asked = _ask(petra, world)
    assert _confirm(petra, world, asked).status_code == 202
    where = f"/api/v1/tenant-deletions/{asked['id']}"
    told = until(lambda: (found := petra.get(where).get_json()["data"])["state"] == "done" and found)
    assert told["certificate"] and told["step"] is None
    assert _rest(owner, world) == [] and not any(folder.exists() for folder in left_on_disk)
    assert [name for name in redis.scan_iter(f"t:{world.acme.id}:*") if not name.endswith(b":gate")] == []
    assert petra.get(_path(world)).status_code == 404
    assert owner.execute(f"select count(*) from {world.globex.schema}.app_user").fetchone() == other

    made = petra.get(f"{where}/certificate").get_json()
    _it_tells_all(owner, world, made, events)
    forged = json.loads(json.dumps(made).replace('"people": 6', '"people": 5'))
    with pytest.raises(signing.NotGenuine):
        signing.check_document(forged, keys.public_keys(owner)[-1].public)
    told = owner.execute(
        f"select action from {world.platform.schema}.audit_event where targets->0->>'id' = %s order by recorded_at, event_id",
        [str(world.acme.id)],
    ).fetchall()
    assert [row[0] for row in told][-3:] == [
        "tenant_deletion.requested", "tenant_deletion.confirmed", "tenant.deleted",
    ]  # fmt: skip


def _it_tells_all(owner, world, made, events):
    """The certificate is signed and says what there was."""
    content = signing.check_document(made, keys.public_keys(owner)[-1].public, "tenant-deletion")
    assert content["tenant"] == {"id": str(world.acme.id), "slug": world.acme.slug, "name": world.acme.name}
    assert content["reason"] == "contract over" and content["requested"]["as"] == world.petra.email
    counted = content["counted_before"]
    expires = datetime.fromisoformat(content["physical_backups_expire_at"])
    assert expires - datetime.fromisoformat(content["finished_at"]) == timedelta(days=30)
    assert counted["backups"] == 1 and counted["people"] == 6
    assert counted["events"] >= events and len(counted["last_event"]["sha256"]) == 64


def test_the_short_name_is_taken_until_the_last_step_and_free_afterwards(petra, world, owner, steward):
    asked = _ask(petra, world)
    again = {"slug": world.acme.slug, "name": "Acme again", "admin_email": "boss@acme-again.example"}
    assert petra.post("/api/v1/tenants", json=again).status_code == 409
    _confirm(petra, world, asked)
    until(lambda: petra.get(_path(world)).status_code == 404)
    made = petra.post("/api/v1/tenants", json=again)
    assert made.status_code == 201 and made.get_json()["data"]["id"] != str(world.acme.id)


def test_nothing_goes_without_a_confirmed_deletion(petra, world, owner, owner_url, means, nothing_asked):
    """A request that somebody put into the steward's table is not enough."""
    asked, more = _ask(petra, world), {"delete_tenant": removal.delete_tenant}
    for deletion in (asked["id"], str(uuid7()), "drop schema onyx cascade"):
        id = uuid7()
        owner.execute(
            "insert into onyx.steward_request (id, operation, arguments) values (%s, 'delete_tenant', %s)",
            [id, json.dumps({"deletion": deletion})],
        )
        assert steward_requests.claim_next(owner_url) == id and not steward_requests.run(owner_url, id, more)
    assert _schema_is_there(owner, world)


def test_of_two_who_confirm_at_once_both_are_told_and_it_happens_once(petra, world, owner, steward, client_of):
    from concurrent.futures import ThreadPoolExecutor

    asked = _ask(petra, world)
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda client: _confirm(client, world, asked), [client_of("petra") for _ in range(4)])]
    assert {answer.status_code for answer in answers} <= {202, 404, 409} and 202 in {a.status_code for a in answers}
    until(lambda: petra.get(_path(world)).status_code == 404)
    done = owner.execute(
        f"select count(*) from {world.platform.schema}.audit_event where action = 'tenant.deleted'"
        " and targets->0->>'id' = %s",
        [str(world.acme.id)],
    ).fetchone()
    assert done == (1,)


STEPS = [step.__name__ for step in removal.STEPS]


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(STEPS)), ids=STEPS)
def test_a_steward_killed_at_any_step_is_followed_by_one_that_does_the_rest(
    place, petra, world, owner, owner_url, app, means, addresses
):
    """kill -9 in the middle of each step, just before it is over; meanwhile nobody gets in."""
    alice = {"email": world.alice.email, "password": world.alice.password}
    asked = _ask(petra, world)
    _confirm(petra, world, asked)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.tenants.killed", owner_url, asked["id"], str(place)],
        cwd=ROOT, env={**os.environ, **addresses}, capture_output=True, timeout=600,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    assert petra.get(f"/api/v1/tenant-deletions/{asked['id']}").get_json()["data"]["state"] == "confirmed"
    assert app.test_client().post("/api/v1/auth/login", json=alice).status_code == 401
    assert petra.post(f"{_path(world)}/resume").status_code == 409
    for path in ("/api/v1/tenants", "/api/v1/platform/live-sessions", f"{_path(world)}"):
        assert petra.get(path).status_code == 200, "a tenant that is half gone breaks no page"
    assert removal.unfinished(owner_url)
    removal.delete_tenant(owner_url, deletion=asked["id"])
    assert _rest(owner, world) == []
    made = petra.get(f"/api/v1/tenant-deletions/{asked['id']}/certificate").get_json()
    with app.app_context(), tenant_scope(world.platform.id, "platform"):
        assert keys.verify_document(made)["counted_before"]["people"] == 6, "counted once, before anything went"


def test_a_second_steward_leaves_it_to_the_first(petra, world, owner, owner_url, means, nothing_asked):
    """While one carries it out the other neither does it again nor calls the request failed."""
    deletion = _ask(petra, world)["id"]
    assert _confirm(petra, world, {"id": deletion}).status_code == 202
    request = steward_requests.claim_next(owner_url)
    with psycopg.connect(owner_url, autocommit=True) as first:
        first.execute("select pg_advisory_lock(hashtextextended(%s, 12))", [deletion])
        assert not steward_requests.run(owner_url, request, {"delete_tenant": removal.delete_tenant})
        state = owner.execute("select state, error from onyx.steward_request where id = %s", [request]).fetchone()
        assert state == ("running", None) and _schema_is_there(owner, world)
    assert steward_requests.run(owner_url, request, {"delete_tenant": removal.delete_tenant})
    assert not _schema_is_there(owner, world)
