"""Two database machines: each tenant lies on one of them, moves while it is used, and is found again (O3)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from onyx import embedded
from onyx.backups.restore import held
from onyx.core import db as database
from onyx.core.actor import Actor
from onyx.core.db import db, rows, unit_of_work
from onyx.core.scope import Scope, tenant_scope
from onyx.edge import queue
from onyx.edge.state import state
from onyx.retention import chats
from onyx.tenancy import holds, migrate, moving, nodes
from onyx.tenancy.walls import control_plane
from onyx.tenants import removal
from tests.cast import Tenant, World, join
from tests.waiting import PATIENT

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def there(two, owner_url) -> tuple[Tenant, Any]:
    """A tenant that was made on the second machine, with a person."""
    slug = f"there-{os.urandom(4).hex()}"
    tenant = Tenant(migrate.provision(owner_url, slug, "There", node="two"), slug, "There")
    with two.app.app_context():
        return tenant, join(tenant, "tess", "Tess There", "admin")


def _sign_in(app, person) -> dict[str, str]:
    sent = {"email": person.email, "password": person.password}
    answer = app.test_client().post("/api/v1/auth/login", json=sent)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}


def _node(owner, tenant) -> str:
    return owner.execute("select node from onyx.tenant where id = %s", [tenant.id]).fetchone()[0]


def test_a_tenant_is_made_and_served_on_its_own_machine(two, there, owner, world):
    tenant, tess = there
    assert two.has(tenant) and owner.execute("select to_regnamespace(%s)", [tenant.schema]).fetchone() == (None,)
    people = two.app.test_client().get("/api/v1/users", headers=_sign_in(two.app, tess)).get_json()["data"]
    assert [row["email"] for row in people] == [tess.email]
    assert two.owner.execute(f"select count(*) from {tenant.schema}.login_session").fetchone() == (1,)
    # The other machine's tenants are served as before, each from its own.
    me = two.app.test_client().get("/api/v1/users/me", headers=_sign_in(two.app, world.alice))
    assert me.get_json()["data"]["email"] == world.alice.email
    assert not two.has(world.acme)


def test_a_context_is_judged_there_as_well(two, there):
    """The key with which contexts are checked lies on each machine; without a context there is nothing to see."""
    tenant, _ = there
    with two.app.app_context(), tenant_scope(tenant.id, "admin"), unit_of_work() as session:
        assert rows(session, "select count(*) from app_user")[0][0] == 1
        session.connection().exec_driver_sql("set local onyx.context = 'forged'")
        assert rows(session, "select count(*) from app_user")[0][0] == 0


def test_a_legal_hold_stops_a_run_that_has_begun(two, there, owner):
    """Its machine knows the rule and not the hold, which lies on `main`: the run asks again before each batch."""
    tenant, tess = there
    api, headers = two.app.test_client(), _sign_in(two.app, tess)
    assert api.post("/api/v1/sessions", json={"title": "old"}, headers=headers).status_code == 201
    two.owner.execute(f"update {tenant.schema}.chat_session set last_message_at = now() - interval '40 days'")
    rule = "update onyx.tenant set settings = settings || '{\"retention_chat_days\": 30}' where id = %s"
    for side in (owner, two.owner):
        side.execute(rule, [tenant.id])
    scope = Scope(tenant.id, "admin", tess.id)

    @contextmanager
    def work():
        with tenant_scope(tenant.id, chats.PURPOSE), unit_of_work() as session:
            yield session

    with two.app.app_context():
        by = Actor(tenant.id, tenant.slug, tenant.name, None, "", "Onyx", kind="job")
        held = chats.apply(by, work, lambda *_: holds.begin(scope, "Tess", "Case 7"))
        assert (held.set_aside, held.removed) == (0, 0)
        assert holds.end(scope) and chats.apply(by, work, lambda *_: None).set_aside == 1


def test_migrations_reach_it_and_the_ledger_of_main_knows(two, there, owner, owner_url):
    """Killed between the two ledgers, the next run believes the machine that has the tables."""
    tenant, _ = there
    owner.execute("delete from onyx.tenant_migration where tenant_id = %s and version = 2", [tenant.id])
    assert migrate.pending(owner_url)
    assert migrate.migrate_all(owner_url, lambda _: None, only=tenant.id) == 1
    assert not migrate.pending(owner_url)


def test_it_moves_while_it_is_written_to_and_nothing_is_lost(two, fresh_world, owner, owner_url):
    acme, alice = fresh_world.acme, fresh_world.alice
    headers = _sign_in(two.app, alice)
    stop, made, refused = threading.Event(), [], []

    def write() -> None:
        while not stop.is_set():
            answer = two.app.test_client().post(
                "/api/v1/projects", json={"name": f"Project {len(made)}"}, headers=headers
            )
            (made if answer.status_code == 201 else refused).append(answer.get_json())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for to, was in (("two", "main"), ("main", "two")):
            time.sleep(0.3)
            assert moving.move(owner_url, acme.id, to) == was and _node(owner, acme) == to
            assert two.has(acme) == (to == "two")
            before = len(made)
            deadline = time.monotonic() + PATIENT
            while len(made) < before + 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert len(made) >= before + 3, refused[-3:]
    finally:
        stop.set()
        writer.join()
    kept = owner.execute(f"select id::text from {acme.schema}.project").fetchall()
    assert {row["data"]["id"] for row in made} == {row[0] for row in kept}
    assert {answer["error"]["code"] for answer in refused} <= {"unavailable"}
    assert len(refused) <= 4, "those that were under way at the moment of the two moves"
    # Guards and walls stand where it came back to.
    assert owner.execute(
        "select count(*) from pg_trigger where tgenabled <> 'O' and tgrelid in"
        " (select oid from pg_class where relnamespace = to_regnamespace(%s))", [acme.schema],
    ).fetchone() == (0,)  # fmt: skip
    with two.app.app_context():
        from onyx.tenancy import boot_check

        boot_check.require_walls()


def test_when_its_machine_is_away_the_placement_is_asked_again(two, owner_url, there, world, owner):
    tenant, tess = there
    headers = _sign_in(two.app, tess)
    others = _sign_in(two.app, world.alice)
    client = two.app.test_client()
    assert client.get("/api/v1/users", headers=headers).status_code == 200
    moving.move(owner_url, tenant.id, "main")
    two.owner.close()
    embedded.stop(two.var)
    try:
        # This process still believes that it lies on the machine that is gone (08006): it looks again, and goes on.
        assert client.get("/api/v1/users", headers=headers).status_code == 200
        owner.execute("update onyx.tenant set node = 'two' where id = %s", [tenant.id])
        database._placement.look_again(Scope(tenant.id, "auth"))
        answer = client.get("/api/v1/users", headers=headers)
        assert answer.status_code == 503, "its machine is away, and it lies nowhere else"
        assert client.get("/api/v1/users/me", headers=others).status_code == 200, "the others work on"
    finally:
        owner.execute("update onyx.tenant set node = 'main' where id = %s", [tenant.id])
        embedded.start(two.var, lambda _: None)
        two.owner = psycopg.connect(two.owner_url, autocommit=True)
        database._placement.look_again(Scope(tenant.id, "auth"))
    assert client.get("/api/v1/users", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("step", "when", "count"),
    [("moving._copy", "before", 5), ("moving._drop", "before", 2), ("moving._drop", "after", 2)],
)
def test_a_killed_move_leaves_it_where_it_was_and_is_done_again(two, fresh_world, owner, owner_url, step, when, count):
    acme = fresh_world.acme
    people = owner.execute(f"select count(*) from {acme.schema}.app_user").fetchone()
    environment = {**os.environ, "OWNER_URL": owner_url, "NODES": two.owner_url}
    command = [sys.executable, "-m", "tests.tenancy.killed", step, when, str(count), "move", str(acme.id), "two"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert _node(owner, acme) == "main"
    with two.app.app_context(), tenant_scope(acme.id, "admin"), unit_of_work() as session:
        assert rows(session, "select count(*) from app_user")[0][0] == people[0]
    assert moving.move(owner_url, acme.id, "two") == "main"
    assert two.owner.execute(f"select count(*) from {acme.schema}.app_user").fetchone() == people


def test_it_does_not_move_while_it_is_saved_restored_or_deleted(two, fresh_world, owner, owner_url):
    """A deletion that had looked for it here would certify what lies there."""
    acme = fresh_world.acme
    with held(owner, acme.id), pytest.raises(moving.NotMoved, match="under way"):
        moving.move(owner_url, acme.id, "two")
    owner.execute("update onyx.tenant set status = 'deleting' where id = %s", [acme.id])
    with pytest.raises(moving.NotMoved, match="being deleted"):
        moving.move(owner_url, acme.id, "two")
    assert _node(owner, acme) == "main" and not two.has(acme)


def test_a_deletion_leaves_no_copy_that_a_killed_move_had_made(app, two, fresh_world, owner, owner_url):
    acme = fresh_world.acme
    environment = {**os.environ, "OWNER_URL": owner_url, "NODES": two.owner_url}
    command = [sys.executable, "-m", "tests.tenancy.killed", "moving._drop", "after", "2", "move", str(acme.id), "two"]
    assert subprocess.run(command, cwd=ROOT, env=environment).returncode == -signal.SIGKILL
    assert _node(owner, acme) == "main" and two.has(acme), "the copy that nobody asks for"
    owner.execute("update onyx.tenant set status = 'deleting' where id = %s", [acme.id])
    owner.execute(
        "insert into onyx.deletion (id, tenant_id, slug, name, state, reason, requested_as, confirm_from, confirmed_at,"
        " confirmed_as) values (%s, %s, %s, 'x', 'confirmed', '', 'x', now(), now(), 'x')",
        [acme.id, acme.id, acme.slug],
    )
    with app.app_context():
        known = state()
    with queue.connect(known.settings.redis_rq_url or known.settings.redis_url) as queues:
        removal.install(removal.Means(known.store, queues, known.settings.onyx_var, timedelta(days=30)))
        removal.delete_tenant(owner_url, deletion=str(acme.id))
    assert owner.execute("select state from onyx.deletion where id = %s", [acme.id]).fetchone() == ("done",)
    assert not two.has(acme)
    assert two.owner.execute("select 1 from onyx.tenant where id = %s", [acme.id]).fetchone() is None


def test_a_node_that_nobody_knows_is_said(two, world, owner_url):
    with pytest.raises(nodes.UnknownNode):
        moving.move(owner_url, world.globex.id, "three")
    with pytest.raises(nodes.UnknownNode):
        migrate.provision(owner_url, "never-made", "Never", node="three")


def test_with_one_machine_nothing_is_asked(app, world, session_of):
    """The price of placement is paid by those who have it."""
    before, database._placement = database._placement, None
    try:
        with session_of("alice") as session:
            assert session.get_bind() is db.engine
    finally:
        database._placement = before


def test_a_known_place_is_not_asked_for_again(two, world, monkeypatch):
    from onyx.tenancy import placement

    asked = []
    monkeypatch.setattr(placement, "control_plane", lambda scope: asked.append(scope) or control_plane(scope))
    monkeypatch.setattr(placement, "REMEMBERED", 1)
    here = placement.Placement()
    with two.app.app_context():
        for tenant in (world.acme, world.acme, world.globex, world.acme):
            here.engine(Scope(tenant.id, "auth"))
    assert len(asked) == 3 and len(here._known) == 1, "bounded: the oldest goes first"


@pytest.fixture(scope="module")
def world(app, owner_url) -> World:
    from tests.cast import make_world

    return make_world(app, owner_url)
