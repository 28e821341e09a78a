"""What is stored is sealed anew after a rotation; one value that does not open keeps no other from it (G4)."""

from __future__ import annotations

import base64
import io
import json

import pytest
from sqlalchemy.exc import DBAPIError

from onyx.access import resealing
from onyx.access.resealing import reseal
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.ids import uuid7
from onyx.core.scope import tenant_scope
from onyx.core.sealing import seal as seal_as_before
from onyx.tenancy.sealed import seal, unseal, version_of


@pytest.fixture(autouse=True)
def _inside(app):
    with app.app_context():
        yield


@pytest.fixture
def stored(client_of, world, owner):
    """Alice's file as it is now, one of an older version in the clear, and her code's secret as it was sealed then."""
    alice = client_of("alice")
    sent = {"file": (io.BytesIO(b"The harbour opens at nine."), "harbour.txt")}
    new = alice.post("/api/v1/files", data=sent, content_type="multipart/form-data").get_json()["data"]["id"]
    old, schema = uuid7(), world.acme.schema
    secret = seal_as_before("totp", b"JBSWY3DPEHPK3PXP", world.acme.id.bytes + world.bob.id.bytes)
    with owner.transaction():
        for table in ("user_file", "totp"):
            owner.execute(f"alter table {schema}.{table} disable trigger recorded")
        owner.execute(
            f"insert into {schema}.user_file (user_id, id, name, media_type, size, sha256, content)"
            " values (%s, %s, 'old.txt', 'text/plain', 3, '', 'An old text.')",
            [world.alice.id, old],
        )
        owner.execute(f"insert into {schema}.totp (user_id, sealed_secret) values (%s, %s) on conflict do nothing",
                      [world.bob.id, secret])  # fmt: skip
        for table in ("user_file", "totp"):
            owner.execute(f"alter table {schema}.{table} enable trigger recorded")
    yield alice, {new: "The harbour opens at nine.", str(old): "An old text."}


def _texts(alice, texts):
    return {id: alice.get(f"/api/v1/files/{id}/content").text for id in texts}


def test_no_content_lies_in_the_clear(stored, owner, world):
    alice, texts = stored
    assert _texts(alice, texts) == texts
    found = owner.execute(f"select id, content, sealed from {world.acme.schema}.user_file").fetchall()
    fresh = next(row for row in found if row[1] is None)
    assert b"harbour" not in bytes(fresh[2])


def test_rotating_by_command_seals_everything_anew(stored, world, owner, flask):
    alice, texts = stored
    hidden = base64.b64encode(seal("model-key", b"sk-canary", b"model", tenant=world.acme.id)).decode()
    owner.execute("update onyx.tenant set settings = settings || jsonb_build_object('model_key_sealed', %s::text)"
                  " where id = %s", [hidden, world.acme.id])  # fmt: skip
    for version in (2, 3):
        done = flask("keys", "rotate", "--tenant", world.acme.slug, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)[0]["version"] == version
        assert _texts(alice, texts) == texts
        files = owner.execute(f"select content, sealed from {world.acme.schema}.user_file").fetchall()
        assert all(content is None and version_of(bytes(sealed)) == version for content, sealed in files)
    kept = owner.execute("select settings ->> 'model_key_sealed' from onyx.tenant where id = %s", [world.acme.id])
    model_key = base64.b64decode(kept.fetchone()[0])
    assert version_of(model_key) == 3
    assert unseal("model-key", model_key, b"model", tenant=world.acme.id) == b"sk-canary"
    hidden = owner.execute(f"select sealed_secret from {world.acme.schema}.totp where user_id = %s", [world.bob.id])
    sealed = bytes(hidden.fetchone()[0])
    assert version_of(sealed) == 3
    assert unseal("totp", sealed, world.bob.id.bytes, tenant=world.acme.id) == b"JBSWY3DPEHPK3PXP"
    seen = owner.execute(f"select distinct action, actor->>'type' from {world.acme.schema}.audit_event"
                         " where action in ('keys.rotated', 'seals.renewed')").fetchall()  # fmt: skip
    assert sorted(seen) == [("keys.rotated", "operator"), ("seals.renewed", "operator")]
    status = json.loads(flask("keys", "status", "--json").output)
    line = next(one for one in status["tenants"] if one["slug"] == world.acme.slug)
    assert (line["version"], line["rotation"], status["master_rotation"]) == (3, "none", "none")


def test_one_value_that_does_not_open_keeps_no_other_from_being_sealed(stored, world, owner, flask):
    alice, texts = stored
    broken = next(iter(texts))
    with owner.transaction():
        owner.execute(f"alter table {world.acme.schema}.user_file disable trigger recorded")
        owner.execute(f"update {world.acme.schema}.user_file set sealed = set_byte(sealed, 29, get_byte(sealed, 29) # 1)"
                      " where id = %s", [broken])  # fmt: skip
        owner.execute(f"alter table {world.acme.schema}.user_file enable trigger recorded")
    done = flask("keys", "rotate", "--tenant", world.acme.slug, "--json")
    assert done.exit_code == 0, done.output
    other = next(id for id in texts if id != broken)
    assert alice.get(f"/api/v1/files/{other}/content").text == texts[other]
    reason = owner.execute(f"select reason, details->'ids' from {world.acme.schema}.audit_event"
                           " where action = 'seals.renewed' and outcome = 'failure'").fetchall()  # fmt: skip
    assert ("not_genuine", [broken]) in reason


def test_nobody_but_the_sealing_job_changes_what_is_stored(stored, session_of):
    with session_of("alice") as session:
        assert rows(session, "update user_file set content = 'x', sealed = null returning 1") == []
    with pytest.raises(DBAPIError), session_of("alice") as session:
        rows(session, "update user_file set name = 'x'")


def test_sealing_stopped_in_the_middle_goes_on(stored, world, monkeypatch):
    alice, texts = stored
    monkeypatch.setattr(resealing, "BATCH", 1)
    seen = []

    def tell(done, _):
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    job = Actor(world.acme.id, world.acme.slug, "", None, "", "Onyx", kind="job")
    with tenant_scope(world.acme.id, "job:keys"):
        with pytest.raises(KeyboardInterrupt):
            reseal(job, unit_of_work, tell)
        assert _texts(alice, texts) == texts
        reseal(job, unit_of_work, lambda *_: None)
        assert reseal(job, unit_of_work, lambda *_: None) == 0
    assert _texts(alice, texts) == texts
