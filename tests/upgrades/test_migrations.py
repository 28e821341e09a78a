"""The ledger of migrations: which organisation is at which version, why one is not, and trying again (T11)."""

import json

import pytest

from onyx.tenancy import ledger, steward
from tests.waiting import promptly

SCRIPT = 2  # people and their login sessions


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture(autouse=True)
def no_requests(owner):
    owner.execute("delete from onyx.steward_request where operation = 'migrate_tenants'")
    yield
    owner.execute("delete from onyx.steward_request where operation = 'migrate_tenants'")


def _fell_behind(owner, tenant, error="column exists"):
    """As if a script had failed for this tenant: its line says so, and what it makes is there already."""
    owner.execute(
        "update onyx.tenant_migration set state = 'failed', error = %s where tenant_id = %s and version = %s",
        [error, tenant.id, SCRIPT],
    )


def _mended(owner, tenant):
    owner.execute("update onyx.tenant_migration set state = 'applied', error = null where tenant_id = %s", [tenant.id])


def test_the_ledger_shows_who_is_behind_and_why(client_of, world, owner):
    _fell_behind(owner, world.acme)
    try:
        petra = client_of("petra")
        rows = petra.get(f"/api/v1/migrations?q={world.acme.slug}").get_json()["data"]
        assert [(row["state"], row["missing"], row["failed_version"], row["error"]) for row in rows] == [
            ("failed", 1, SCRIPT, "column exists")
        ]
        failed = petra.get("/api/v1/migrations?state=failed").get_json()["data"]
        assert [row["slug"] for row in failed] == [world.acme.slug]
        current = petra.get(f"/api/v1/migrations?state=current&q={world.globex.slug}").get_json()["data"]
        assert [(row["version"], row["missing"]) for row in current] == [(ledger.latest(), 0)]
        told = petra.get("/api/v1/migrations/summary").get_json()["data"]
        assert (told["version"], told["failed"], told["behind"]) == (ledger.latest(), 1, 1)
    finally:
        _mended(owner, world.acme)
    assert client_of("petra").get("/api/v1/migrations/summary").get_json()["data"]["failed"] == 0


def test_it_is_paged_by_cursor_without_gap_or_double(client_of, world):
    wanted, petra, seen, after = {world.acme.slug, world.globex.slug, "platform"}, client_of("petra"), [], ""
    while after is not None:
        page = petra.get(f"/api/v1/migrations?limit=2&after={after}").get_json()
        seen += [row["slug"] for row in page["data"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) and wanted <= set(seen)


def test_trying_again_is_the_stewards_work_and_in_the_trail(client_of, world, owner, owner_url):
    _fell_behind(owner, world.acme)
    owner.execute("delete from onyx.tenant_migration where tenant_id = %s and version = %s", [world.acme.id, SCRIPT])
    petra = client_of("petra")
    answer = petra.post("/api/v1/migrations/run", json={"tenant_id": str(world.acme.id)})
    assert answer.status_code == 202, answer.text
    id = answer.get_json()["data"]["id"]
    assert petra.post("/api/v1/migrations/run", json={}).status_code == 409, "one at a time"
    operation, arguments, state = owner.execute(
        "select operation, arguments, state from onyx.steward_request where id = %s", [id]
    ).fetchone()
    assert (operation, arguments, state) == ("migrate_tenants", {"tenant": str(world.acme.id)}, "queued")
    platform = petra.get("/api/v1/users/me").get_json()["data"]["tenant"]["id"].replace("-", "")
    told = owner.execute(
        f"select targets->0->>'display' from tenant_{platform}.audit_event where action = 'migration.started'"
    ).fetchall()
    assert (world.acme.slug,) in told
    # What the script makes is there already, so it fails; the ledger and the page say why, and nobody else is touched.
    while (request := steward.claim_next(owner_url)) is not None:
        steward.run(owner_url, request)
    summary = petra.get("/api/v1/migrations/summary").get_json()["data"]
    assert summary["request"]["state"] == "failed" and world.acme.slug in summary["request"]["error"]
    row = petra.get(f"/api/v1/migrations?q={world.acme.slug}").get_json()["data"][0]
    assert row["state"] == "failed" and "already exists" in row["error"]
    _mended(owner, world.acme)
    assert petra.post("/api/v1/migrations/run", json={"tenant_id": str(world.acme.id)}).status_code == 202
    steward.run(owner_url, steward.claim_next(owner_url))
    assert petra.get("/api/v1/migrations/summary").get_json()["data"]["request"]["state"] == "done"


@pytest.mark.parametrize("body", [{"tenant_id": "x"}, {"tenant_id": "01a1fee4-d19d-7e82-9af6-9fcc261aeb14"}, []])
def test_senseless_requests_are_refused(client_of, body, owner):
    assert client_of("petra").post("/api/v1/migrations/run", json=body).status_code in (400, 422)
    assert owner.execute("select 1 from onyx.steward_request where operation = 'migrate_tenants'").fetchone() is None
    assert client_of("petra").get("/api/v1/migrations?state=x").status_code == 422


def test_it_is_nobody_elses_business(client_of):
    for name in ("dana", "carol", "alice"):
        for path in ("/api/v1/migrations", "/api/v1/migrations/summary", "/platform/migrations"):
            assert client_of(name).get(path).status_code == 403
        assert client_of(name).post("/api/v1/migrations/run", json={}).status_code == 403


def test_the_page_comes(client_of):
    answer = client_of("petra").get("/platform/migrations", headers={"Accept": "text/html"})
    assert answer.status_code == 200 and 'data-testid="migrate-all"' in answer.text


def test_flask_migrate_tells_programs_and_people(app, owner, world, addresses, monkeypatch):
    runner = app.test_cli_runner()
    state = app.extensions["onyx"]
    owned = state.settings.model_copy(update={"database_owner_url": addresses["DATABASE_OWNER_URL"]})
    monkeypatch.setattr(state, "settings", owned)
    with promptly(30):
        done = runner.invoke(args=["migrate", "--json"])
    assert json.loads(done.output) == {"migrated": 0, "said": [], "failed": {}}
    _fell_behind(owner, world.acme)
    try:
        failed = runner.invoke(args=["migrate", "--json"])
        told = json.loads(failed.output)
        assert failed.exit_code == 1 and list(told["failed"]) == [world.acme.slug]
        assert "stayed behind" in runner.invoke(args=["tenants", "migrate"]).output
    finally:
        _mended(owner, world.acme)
    listed = json.loads(runner.invoke(args=["tenants", "list", "--json"]).output)
    assert {row["slug"]: row["version"] for row in listed}[world.acme.slug] == ledger.latest()
