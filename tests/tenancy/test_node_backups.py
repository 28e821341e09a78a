"""A tenant on another machine is saved and restored where it lies; a death between two commits is mended (T12, O3)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from onyx.backups import halfway, making, restore
from onyx.backups.restore import Source
from onyx.core.actor import Actor, Request
from onyx.core.ids import parse_id
from onyx.tenancy import erasure, migrate
from onyx.tenancy.steward import Refused
from tests.cast import Tenant, join
from tests.chat.conftest import until


@pytest.fixture(scope="module")
def place(two, app, owner_url, tmp_path_factory):
    """A tenant on the second machine with two people, a backup of it from before `later`, and an operator."""
    slug = f"far-{os.urandom(4).hex()}"
    tenant = Tenant(migrate.provision(owner_url, slug, "Far", node="two"), slug, "Far")
    with two.app.app_context():
        tess, sam = join(tenant, "tess", "Tess There", "admin"), join(tenant, "sam", "Sam There", "user")
    where = Request("r", "CLI", "test")
    platform = app.extensions["onyx"].platform
    operator = Actor(platform, "platform", "Platform", None, "", "operator", kind="operator", request=where)
    folder = tmp_path_factory.mktemp("far")
    _project(two, tess, "before")
    made = making.make(owner_url, folder, tenant.id, operator)
    return SimpleNamespace(tenant=tenant, tess=tess, sam=sam, operator=operator, folder=folder, made=made)


def _sign_in(app, person):
    """The organisation is named, since its copies know the same people."""
    sent = {"email": person.email, "password": person.password, "tenant": person.tenant.slug}
    answer = app.test_client().post("/api/v1/auth/login", json=sent)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}


def _project(two, person, name):
    headers = _sign_in(two.app, person)
    assert two.app.test_client().post("/api/v1/projects", json={"name": name}, headers=headers).status_code == 201
    return headers


def _projects(side, tenant):
    return [row[0] for row in side.execute(f"select name from {tenant.schema}.project order by name").fetchall()]


def _runs(*sides):
    return [side.execute("select count(*) from onyx.restore_run").fetchone()[0] for side in sides]


def _told(owner, operator, tenant):
    rows = owner.execute(
        f"select action, outcome from tenant_{operator.tenant_id.hex}.audit_event"
        " where targets->0->>'id' = %s order by recorded_at, event_id", [str(tenant)],
    )  # fmt: skip
    return rows.fetchall()


def test_it_is_saved_tried_and_restored_where_it_lies(two, place, owner, owner_url):
    tenant, source = place.tenant, Source(Path(place.made["path"]))
    assert making.rehearse(owner_url, place.folder, parse_id(place.made["id"]), place.operator)["ok"]
    headers = _project(two, place.tess, "later")
    went = restore.restore(owner_url, source, place.operator)
    assert went["in_place"] and _projects(two.owner, tenant) == ["before"]
    assert owner.execute("select to_regnamespace(%s)", [tenant.schema]).fetchone() == (None,)
    until(lambda: two.app.test_client().get("/api/v1/users/me", headers=headers).status_code == 401)
    assert _sign_in(two.app, place.tess)
    assert _told(owner, place.operator, tenant.id)[-2:] == [
        ("restore.begun", "success"), ("tenant.restored", "success")
    ]  # fmt: skip
    assert ("tenant.restored",) in two.owner.execute(f"select action from {tenant.schema}.audit_event").fetchall()
    assert _runs(owner, two.owner) == [0, 0]


def test_a_copy_comes_beside_it_or_on_the_machine_that_is_named(two, place, owner, owner_url):
    source = Source(Path(place.made["path"]))
    file = place.folder / "far.onyx"
    exported = Source(file, making.export(owner_url, file, place.tenant.id, place.operator))
    for number, (from_, node, lies) in enumerate(
        ((source, None, "two"), (source, "main", "main"), (exported, None, "two"))
    ):
        went = restore.restore(owner_url, from_, place.operator, f"{place.tenant.slug}-{number}", node=node)
        copy = parse_id(went["tenant_id"])
        side = owner if lies == "main" else two.owner
        assert owner.execute("select node, status from onyx.tenant where id = %s", [copy]).fetchone() == (
            lies,
            "active",
        )
        assert side.execute(f"select count(*) from tenant_{copy.hex}.app_user").fetchone() == (2,)
        assert owner.execute("select count(*) from onyx.directory where tenant_id = %s", [copy]).fetchone() == (2,)
    with pytest.raises(Refused, match="three"):
        restore.restore(owner_url, source, place.operator, f"{place.tenant.slug}-x", node="three")
    with pytest.raises(Refused, match="is restored there"):
        restore.restore(owner_url, source, place.operator, node="main")
    assert _runs(owner, two.owner) == [0, 0]


def test_what_was_erased_there_stays_erased(two, place, owner, owner_url):
    """Begun, its rows gone, its key not destroyed yet."""
    with two.app.app_context():
        erasure.begin(place.tenant.id, place.sam.id)
    schema = place.tenant.schema
    with two.owner.transaction():
        _without_guards(two.owner, schema, f"delete from {schema}.app_user where id = '{place.sam.id}'")
    restore.restore(owner_url, Source(Path(place.made["path"])), place.operator)
    assert two.owner.execute(f"select id from {schema}.app_user").fetchall() == [(place.tess.id,)]


def _without_guards(side, schema, statement):
    tables = side.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' and not relispartition",
        [schema],
    ).fetchall()
    for verb, work in (("disable", statement), ("enable", "select 1")):
        for (name,) in tables:
            side.execute(f'alter table {schema}."{name}" {verb} trigger user')
        side.execute(work)


def test_a_restore_that_fails_leaves_nothing_behind(two, place, owner, owner_url, monkeypatch):
    before = _schemas(two.owner)

    def fails(*_):
        raise Refused("so it was")

    monkeypatch.setattr("onyx.backups.settling.tell", fails)
    with pytest.raises(Refused, match="so it was"):
        restore.restore(owner_url, Source(Path(place.made["path"])), place.operator, f"{place.tenant.slug}-f")
    assert (_schemas(two.owner), _runs(owner, two.owner)) == (before, [0, 0])


@pytest.mark.slow
@pytest.mark.parametrize("where", ["in place", "beside"])
def test_a_death_between_two_machines_is_finished_or_undone(two, place, owner, owner_url, where):
    """In place the rows are the restored ones, so the control plane follows; beside, nobody knows of them: they go."""
    _project(two, place.tess, "later")
    more = {"slug": f"{place.tenant.slug}-k"} if where == "beside" else {}
    told = {
        "work": "restore", "owner_url": owner_url, "tenant": str(place.tenant.id), "path": place.made["path"],
        "platform": str(place.operator.tenant_id), "nodes": {"two": two.owner_url},
        "kill": ["ready to commit", "rows committed"], **more,
    }  # fmt: skip
    schemas, notices = _schemas(two.owner), _notices(owner, place.tenant)
    words = [sys.executable, "-m", "tests.backups.killed", json.dumps(told)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for came in (False, True):
            assert json.loads(process.stdout.readline())["signal"] == signal.SIGKILL
            _gone(owner, two.owner)
            in_place, beside = came and where == "in place", came and where == "beside"
            assert (_projects(two.owner, place.tenant) == ["before"]) == in_place
            assert (_schemas(two.owner) != schemas) == beside
            assert _runs(owner, two.owner) == [1, int(came)] and _notices(owner, place.tenant) == notices
            assert halfway.mend(owner_url) == 1 and halfway.mend(owner_url) == 0
            assert _runs(owner, two.owner) == [0, 0] and _schemas(two.owner) == schemas
            assert _notices(owner, place.tenant) == notices + in_place, "everybody is told, once"
            if where == "in place":
                last = ("tenant.restored", "success") if came else ("restore.begun", "failure")
                assert _told(owner, place.operator, place.tenant.id)[-1] == last
            process.stdin.write("\n")
            process.stdin.flush()
    left = owner.execute("select 1 from onyx.tenant where slug = %s", [f"{place.tenant.slug}-k"]).fetchone()
    assert left is None and _sign_in(two.app, place.tess)


def _schemas(side):
    return side.execute("select nspname from pg_namespace where nspname ~ '^(tenant|replaced)' order by 1").fetchall()


def _notices(owner, tenant):
    return owner.execute(
        "select count(*) from onyx.revocation where tenant_id = %s and kind = 'tenant'", [tenant.id]
    ).fetchone()[0]


def _gone(*sides):
    """Both servers have noticed that the killed one is gone, and let go of what it held."""
    busy = "select count(*) from pg_stat_activity where usename = 'onyx_owner' and xact_start is not null and pid <> pg_backend_pid()"
    locks = "select count(*) from pg_locks where locktype = 'advisory' and objsubid = 2"
    deadline = time.monotonic() + 300
    while any(side.execute(one).fetchone()[0] for side in sides for one in (busy, locks)):
        assert time.monotonic() < deadline, "a killed run still holds something after five minutes"
        time.sleep(0.05)
