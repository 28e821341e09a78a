"""Organisations come, are put away, come back; two who do the same at once; names that look alike (T1)."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import get_ident

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import event

from jobs import due
from onyx.core.actor import Actor
from onyx.core.db import db, unit_of_work
from onyx.core.errors import Conflict
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy import migrate
from onyx.tenancy.listing import tenant as known_tenant
from onyx.tenancy.slugs import skeleton
from onyx.tenants import measuring, turning
from onyx.tenants.measuring import measure


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def petra(client_of):
    return client_of("petra")


def _create(client, slug):
    sent = {"slug": slug, "name": "Try", "admin_email": f"boss@{slug}.example"}
    return client.post("/api/v1/tenants", json=sent)


def _new_slug(start="try"):
    return f"{start}-{os.urandom(4).hex()}"


def test_an_archived_tenant_is_closed_left_alone_and_comes_back_whole(petra, world, app, owner, client_of, steward):
    alice, path = client_of("alice"), f"/api/v1/tenants/{world.acme.id}"
    owner.execute(
        "insert into onyx.due values (%s, 'sessions', now()) on conflict (job, tenant_id) do update set due_at = now()",
        [world.acme.id],
    )
    told = petra.post(f"{path}/archive").get_json()["data"]
    assert told["status"] == "archived" and told["archived_at"] and told["revocation"]
    assert alice.get("/api/v1/users/me").status_code == 401
    with app.app_context():
        assert world.acme.id not in due.tenants_due(Scope(world.platform.id, "job:control"), "sessions")
    # It has lain there for a while: its logs have no place for this month any more.
    for (name,) in owner.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass",
        [f"{world.acme.schema}.audit_event"],
    ).fetchall():
        owner.execute(f"alter table {world.acme.schema}.audit_event detach partition {name}")
        owner.execute(f"alter table {name} rename to {name.rpartition('.')[2]}_away")
    back = petra.post(f"{path}/resume")
    assert back.status_code == 200, back.text
    assert back.get_json()["data"]["status"] == "active" and back.get_json()["data"]["archived_at"] is None
    assert client_of("alice").get("/api/v1/users/me").status_code == 200


def test_the_same_short_name_at_once_is_made_once(client_of, steward, owner):
    slug, clients = _new_slug(), [client_of("petra") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda client: _create(client, slug), clients)]
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert owner.execute("select count(*) from onyx.tenant where slug = %s", [slug]).fetchone() == (1,)


def test_names_that_look_alike_at_once_are_made_once(client_of, steward, owner):
    mark = os.urandom(4).hex()
    slugs = [f"carmen{mark}", f"carrnen{mark}", f"car-men-{mark}", f"cart-{mark}"]
    clients = [client_of("petra") for _ in slugs]
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(_create, clients, slugs)]
    codes = [answer.status_code for answer in answers]
    assert sorted(codes[:3]) == [201, 409, 409] and codes[3] == 201
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "looks too much like" in refused.get_json()["error"]["message"]


@pytest.mark.parametrize(
    ("there", "alike"),
    [
        ("acmeo", "acme0"),
        ("allied", "a11ied"),
        ("carmen", "carrnen"),
        ("web", "vveb"),
        ("dart", "clart"),
        ("abc", "a-bc"),
    ],
)
def test_the_eye_is_not_fooled(petra, steward, there, alike):
    mark = os.urandom(4).hex()
    first, second = f"{there}-{mark}", f"{alike}-{mark}"
    if not second[0].isalpha():
        return
    assert _create(petra, first).status_code == 201
    answer = _create(petra, second)
    assert answer.status_code == 409 and first in answer.get_json()["error"]["message"]


def test_both_skeletons_agree_and_the_database_judges_too(owner, owner_url):
    slugs = ["acme", "acrne", "a-c-m-e", "vvorld-0n1y", "clear-1ine", "rnrn", "c-l0-1", "vrn-cl-wv", "clvv"]
    told = owner.execute("select onyx.slug_skeleton(s) from unnest(%s::text[]) as s", [slugs]).fetchall()
    assert [row[0] for row in told] == [skeleton(slug) for slug in slugs]
    slug = _new_slug("carmen")
    migrate.provision(owner_url, slug, "First")
    with pytest.raises(UniqueViolation):
        migrate.provision(owner_url, slug.replace("carmen", "carrnen"), "Second")


def test_notes_are_for_platform_admins_alone(petra, world, client_of, session_of, owner):
    path = f"/api/v1/tenants/{world.acme.id}"
    assert petra.patch(path, json={"notes": "Pays late."}).get_json()["data"]["notes"] == "Pays late."
    assert petra.patch(path, json={"name": "Acme Inc"}).get_json()["data"]["notes"] == "Pays late."
    assert client_of("dana").get(path).status_code == 403
    told = owner.execute(
        f"select changes::text || details::text from {world.platform.schema}.audit_event"
        " where action = 'tenant.changed' and targets->0->>'id' = %s",
        [str(world.acme.id)],
    ).fetchall()
    assert len(told) == 2 and "Pays late" not in str(told), "that it was changed is told, not what it says"
    assert petra.patch(path, json={"notes": "x" * 4001}).status_code == 422


def test_a_change_that_meets_another_leaves_an_event_that_says_so(petra, world, owner, app):
    """Both looked while it was active; one suspends it, the other comes too late."""
    path = f"/api/v1/tenants/{world.acme.id}"
    assert petra.post(f"{path}/suspend").status_code == 200

    actor = Actor(world.platform.id, "platform", "Platform", world.petra.id, world.petra.email, "Petra")
    with app.app_context(), tenant_scope(world.platform.id, "platform", world.petra.id):
        seen = known_tenant(Scope(world.platform.id, "platform"), world.acme.id)._replace(status="active")
        with pytest.raises(Conflict), unit_of_work() as session:
            turning.archive(session, actor, seen)
    told = owner.execute(
        f"select action, outcome from {world.platform.schema}.audit_event where targets->0->>'id' = %s"
        " order by recorded_at, event_id",
        [str(world.acme.id)],
    ).fetchall()
    assert told == [("tenant.suspended", "success"), ("tenant.archived", "success"), ("tenant.archived", "failure")]
    assert petra.get(path).get_json()["data"]["status"] == "suspended"


@contextmanager
def _counted(app):
    seen, asker = [], get_ident()

    def note(_connection, _cursor, statement, *_):
        if get_ident() != asker:  # threads of the application have their own work
            return
        if "set_config" not in statement and "revocation" not in statement and "cache_generation" not in statement:
            seen.append(statement)

    with app.app_context():
        engines = list(db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def test_the_list_visits_no_schema_however_many_there_are(petra, world, app, owner_url):
    for _ in range(6):
        migrate.provision(owner_url, _new_slug(), "One more")
    petra.get("/api/v1/tenants?limit=1")
    with _counted(app) as few:
        assert len(petra.get("/api/v1/tenants?limit=1").get_json()["data"]) == 1
    with _counted(app) as many:
        assert len(petra.get("/api/v1/tenants?limit=8").get_json()["data"]) == 8
    assert len(few) == len(many) <= 4, many
    assert not [statement for statement in many if " login_session" in statement]


def test_sizes_and_activity_are_measured_and_shown(petra, world, owner, owner_url, client_of, monkeypatch):
    alice = client_of("alice")
    file = {"file": (io.BytesIO(b"hello " * 100), "a.txt")}
    assert alice.post("/api/v1/files", data=file, content_type="multipart/form-data").status_code == 201
    path = f"/api/v1/tenants/{world.acme.id}"
    before = petra.get(path).get_json()["data"]
    assert before["database_bytes"] is None and len(before["days"]) == 30
    measure(owner, owner, world.acme.id)
    measure(owner, owner, world.acme.id)
    after = petra.get(path).get_json()["data"]
    assert after["file_bytes"] == 600 and after["files"] == 1 and after["database_bytes"] > 100_000
    today = after["days"][-1]
    assert today["day"] == f"{datetime.now(UTC):%Y-%m-%d}" and today["sign_ins"] == 1
    events = owner.execute(f"select count(*) from {world.acme.schema}.audit_event").fetchone()[0]
    assert today["events"] == events and after["live_sessions"] == 1
    row = next(
        row for row in petra.get(f"/api/v1/tenants?q={world.acme.slug}").get_json()["data"] if row["id"] == after["id"]
    )
    assert row["database_bytes"] == after["database_bytes"] and row["people"] == 6
    all_there, ours = measuring.each_there, {world.acme.id, world.globex.id}
    monkeypatch.setattr(measuring, "each_there", lambda url: (one for one in all_there(url) if one[0] in ours))
    assert measuring.measure_all(owner_url) == (2, 0)  # not the hundreds that other tests have left


def test_the_pages_say_how_it_is(petra, world, owner):
    measure(owner, owner, world.acme.id)
    page = petra.get(f"/platform/tenants/{world.acme.id}", headers={"Accept": "text/html"}).text
    assert 'data-testid="activity"' in page and "Archive" in page and "style=" not in page
    home = petra.get(f"/platform/tenants/{world.platform.id}", headers={"Accept": "text/html"}).text
    assert 'data-testid="tenant-delete"' not in home and 'data-testid="tenant-suspend"' not in home
    assert petra.get("/platform/deletions", headers={"Accept": "text/html"}).status_code == 200


def test_nobody_waits_for_a_connection_with_one_of_the_same_pool_in_hand(petra, world, held, steward):
    """As many requests as a pool has connections would each wait for a second one. Whoever has a tenant's may take one
    of the control plane's, never the other way round: else both kinds would wait for each other.
    """
    path = f"/api/v1/tenants/{world.acme.id}"
    for verb in ("suspend", "resume", "archive", "resume"):
        assert petra.post(f"{path}/{verb}").status_code == 200
    assert petra.patch(path, json={"name": "Acme Once More", "notes": "x"}).status_code == 200
    assert _create(petra, _new_slug()).status_code == 201
    assert petra.post(f"{path}/delete", json={"slug": world.acme.slug}).status_code == 202
    assert petra.post(f"{path}/delete/cancel").status_code == 200
    assert {(main, control) for name, main, control in held if name == "main"} == {(0, 0)}
    assert {control for name, _, control in held if name == "control"} == {0}
