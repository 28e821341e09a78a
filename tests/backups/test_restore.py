"""One tenant is saved while in use and comes back in place or beside, with nothing of any other touched (T12)."""

from pathlib import Path

from onyx.backups import restore
from onyx.backups.restore import Source
from onyx.core.ids import parse_id
from onyx.tenancy import boot_check
from tests.backups.conftest import contents

# What is told apart on purpose: nobody is signed in, no letter goes out twice, the restore stands in the trail.
SETTLED = {"login_session", "audit_event", "outgoing_mail", "password_reset", "factor_challenge", "api_key", "totp"}


def _rest(found):
    return {name: rows for name, rows in found.items() if name not in SETTLED}


def test_a_tenant_comes_back_beside_itself(app, owner, owner_url, world, full, made, operator):
    before, other = contents(owner, world.acme.schema), contents(owner, world.globex.schema)
    went = restore.restore(owner_url, Source(Path(made["path"])), operator, slug=f"{world.acme.slug}-b")
    copy = f"tenant_{parse_id(went['tenant_id']).hex}"
    there = contents(owner, copy)
    assert there.keys() == before.keys() and _rest(there) == _rest(before)
    assert contents(owner, world.acme.schema) == before, "the original is as it was"
    assert contents(owner, world.globex.schema) == other
    with app.app_context():
        boot_check.require_walls()


def test_a_tenant_comes_back_in_place(app, owner, owner_url, world, full, made, operator, client_of):
    before = contents(owner, world.acme.schema)
    alice = client_of("alice")
    assert alice.post("/api/v1/projects", json={"name": "after the backup"}).status_code == 201
    went = restore.restore(owner_url, Source(Path(made["path"])), operator)
    assert went["in_place"] and went["tenant_id"] == str(world.acme.id)
    assert _rest(contents(owner, world.acme.schema)) == _rest(before)
    with app.app_context():
        boot_check.require_walls()
