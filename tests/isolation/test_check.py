"""The isolation check (T9): well when all is well, and every deliberate break is found, named and signed for."""

from __future__ import annotations

import json
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.core.scope import tenant_scope
from onyx.core.signing import NotGenuine
from onyx.isolation import examine, service
from onyx.tenancy.signing import verify_document

A, G = "{acme}", "{globex}"
# What is broken, how it is mended, which check finds it, and a word of what it says.
BROKEN = {
    "a grant on a table": (f"grant truncate on {A}.chat_message to {A}", f"revoke truncate on {A}.chat_message from {A}", "catalogue", "chat_message"),
    "a grant to a neighbour": (f"grant usage on schema {G} to {A}; grant select on {G}.app_user to {A}",
                               f"revoke usage on schema {G} from {A}; revoke select on {G}.app_user from {A}", "foreign_tables", "app_user"),
    "a grant on a column": (f"grant select (password_hash) on {A}.credential to onyx_app", f"revoke select (password_hash) on {A}.credential from onyx_app",
                            "catalogue", "credential.password_hash"),
    "a policy's condition": (f"alter policy project_own on {A}.project using (true)",
                             f"alter policy project_own on {A}.project using (user_id = (select onyx.ctx_user('{{acme_hex}}', 'member')))",
                             "catalogue", "project_own"),
    "a policy more": (f"create policy hole on {G}.chat_session for select using (true)", f"drop policy hole on {G}.chat_session", "foreign_role", "chat_session"),
    "row security": (f"alter table {G}.user_file disable row level security", f"alter table {G}.user_file enable row level security", "foreign_role", "user_file"),
    "a log-in": (f"alter role {A} login", f"alter role {A} nologin", "catalogue", "log-in true"),
    "a flag of the application": ("alter role onyx_app createrole", "alter role onyx_app nocreaterole", "walls", "too much"),
    "a membership": (f"grant {G} to {A}", f"revoke {G} from {A}", "catalogue", "membership"),
    "a function": (f"alter function {A}.audit_append(jsonb) security invoker", f"alter function {A}.audit_append(jsonb) security definer", "catalogue", "audit_append"),
    "the trail's guard": (f"alter table {A}.audit_event disable trigger append_only", f"alter table {A}.audit_event enable trigger append_only", "catalogue", "append_only"),
    "a column": (f"alter table {A}.profile alter column display_name set statistics 100", f"alter table {A}.profile alter column display_name set statistics 0", "catalogue", "display_name"),
}  # fmt: skip


@pytest.fixture
def superuser(addresses):
    url = make_conninfo(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def look(app, world, monkeypatch):
    """The checks of Acme against Globex, by name; what is the same for all tenants is looked at anew each time."""
    monkeypatch.setattr(examine, "_around", examine._look_around)
    monkeypatch.setattr(examine, "_rooms", lambda: ())  # the processes of other tests may be about to start or end
    known = examine._known

    def against_globex(tenant):
        _, version, wanted = known(tenant)
        return world.globex.id, version, wanted

    monkeypatch.setattr(examine, "_known", against_globex)

    def checks():
        with app.app_context(), tenant_scope(world.acme.id, "job:isolation"):
            return {check.name: check for check in examine.examine(world.acme.id)}

    return checks


def test_all_is_well(look, client_of):
    client_of("alice").post("/api/v1/sessions", json={"title": "plans"})
    assert {name: check.found for name, check in look().items() if not check.passed} == {}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(look, world, superuser, client_of, what):
    for name in ("mallory", "alice"):
        client_of(name).post("/api/v1/sessions", json={"title": "plans"})
        client_of(name).post("/api/v1/projects", json={"name": "plans"})
    _upload(client_of("mallory"))
    values = {"acme": world.acme.schema, "globex": world.globex.schema, "acme_hex": world.acme.id.hex}
    break_it, mend_it, check, word = (part.format(**values) for part in BROKEN[what])
    superuser.execute(break_it.encode())
    try:
        found = look()
        assert not found[check].passed
        assert word in " ".join(found[check].found)
    finally:
        superuser.execute(mend_it.encode())
    assert all(one.passed for one in look().values())


def _upload(client):
    import io

    sent = {"file": (io.BytesIO(b"Mallory's plans"), "plans.txt")}
    assert client.post("/api/v1/files", data=sent, content_type="multipart/form-data").status_code == 201


@pytest.mark.parametrize("key", ["session:nobodys", "t:00000000-0000-4000-8000-000000000000:session:x", "t:acme:x"])
def test_a_key_of_nobody_is_found(app, look, key):
    client = app.extensions["onyx"].store.client
    client.set(key, "x", ex=60)
    try:
        assert any(key[:40] in one for one in look()["redis_keys"].found)
    finally:
        client.delete(key)
    assert look()["redis_keys"].passed


def test_counters_of_limits_are_the_installations(app, look, limits_on):
    wrong = {"email": "nobody.at.all@acme.example", "password": "wrong, and on purpose"}
    assert app.test_client().post("/api/v1/auth/login", json=wrong).status_code == 401
    client = app.extensions["onyx"].store.client
    assert any(b"limit" in key and b"sign_in" in key for key in client.scan_iter(count=1000)), "the failure is counted"
    assert look()["redis_keys"].found == ()


def test_a_file_of_nobody_or_open_to_others_is_found(app, look, world):
    base = app.extensions["onyx"].settings.onyx_var / "files"
    own = base / world.acme.id.hex
    own.mkdir(parents=True, exist_ok=True)
    (own / "kept").write_text("x")
    (own / "kept").chmod(0o600)
    assert look()["files"].passed
    (own / "kept").chmod(0o644)
    (base / "somewhere").mkdir()
    (own / "away").symlink_to("/etc/hostname")
    try:
        told = " ".join(look()["files"].found)
        assert "files/somewhere belongs to no organisation" in told
        assert "kept can be read" in told and "away leads elsewhere" in told
    finally:
        (own / "away").unlink(), (base / "somewhere").rmdir(), (own / "kept").unlink(), own.rmdir()


def test_a_room_of_nobody_is_found(app, look, monkeypatch):
    from onyx.edge import strays

    state = app.extensions["onyx"]
    with app.app_context():
        strays.tell_rooms(state.store, state.bus.process)
        assert strays.stray_rooms(state.store, [state.bus.process]) == ([], [])
        monkeypatch.setattr(strays.socketio.server.manager, "rooms", {"/": {"everybody": {"sid": "eio"}}})
        strays.tell_rooms(state.store, state.bus.process)
        assert strays.stray_rooms(state.store, [state.bus.process, "silent"]) == (["everybody"], ["silent"])
        monkeypatch.undo()
        strays.tell_rooms(state.store, state.bus.process)


def test_the_job_signs_records_and_tells_the_platform(app, world, client_of):
    from jobs import isolation  # noqa: F401 (it registers the job)
    from jobs.runner import run

    client_of("carol").post("/api/v1/isolation/check")
    state = app.extensions["onyx"]
    with app.app_context():
        run("isolation.check", {"tenant": state.platform.hex, "actor": {"kind": "schedule"}}, "a" * 32)
    carol = client_of("carol")
    newest = carol.get("/api/v1/isolation/reports").get_json()["data"][0]
    answer = carol.get(f"/api/v1/isolation/reports/{newest['id']}/document")
    assert "attachment" in answer.headers["Content-Disposition"]
    document = json.loads(answer.text)
    with app.app_context(), tenant_scope(world.acme.id, "auditor"):
        content = verify_document(document, service.KIND)
        document["content"]["passed"] = not document["content"]["passed"]
        with pytest.raises(NotGenuine):
            verify_document(document, service.KIND)
    assert content["organisation"]["slug"] == world.acme.slug
    events = carol.get("/api/v1/audit/events?action=isolation.checked").get_json()["data"]
    assert [event["targets"][0]["id"] for event in events] == [newest["id"]]
    before = UUID(int=world.acme.id.int - 1)  # a page that begins with Acme, however many the other tests made
    shown = client_of("petra").get(f"/api/v1/platform/isolation?limit=1&after={before}").get_json()["data"]
    assert [row["id"] for row in shown] == [str(world.acme.id)] and shown[0]["checked_at"]


def test_the_command_goes_on_past_one_that_cannot_be_checked(app, world, superuser, monkeypatch, client_of):
    """Two at a time, in order; the platform's page finds one of many by its name, and counts them."""
    from onyx.commands import isolation as commands
    from onyx.tenancy.listing import every_tenant

    here = {world.acme.id, world.globex.id}
    monkeypatch.setattr(commands, "every_tenant", lambda scope: (one for one in every_tenant(scope) if one.id in here))
    report = f"{world.acme.schema}.isolation_report"
    superuser.execute(f"revoke insert on {report} from {world.acme.schema}")
    try:
        said = app.test_cli_runner().invoke(args=["isolation", "check"])
    finally:
        superuser.execute(f"grant insert on {report} to {world.acme.schema}")
    assert said.exit_code == 1 and f"{world.acme.slug} could not be checked: ProgrammingError" in said.output
    assert world.globex.slug in said.stdout and world.acme.slug not in said.stdout
    petra = client_of("petra")
    before = petra.get("/api/v1/platform/isolation/summary").get_json()["data"]
    assert before["held"] + before["failed"] + before["unchecked"] == before["tenants"] >= 3
    again = app.test_cli_runner().invoke(args=["isolation", "check", "--json"])
    told = {one["content"]["organisation"]["slug"]: one["content"] for one in json.loads(again.stdout)}
    assert set(told) == {world.acme.slug, world.globex.slug}
    found = petra.get(f"/api/v1/platform/isolation?q={world.acme.slug[1:].upper()}").get_json()["data"]
    assert [(one["slug"], one["passed"]) for one in found] == [(world.acme.slug, told[world.acme.slug]["passed"])]
    assert petra.get("/api/v1/platform/isolation?q=%25").get_json()["data"] == []


def test_reports_are_the_auditors_own(world, app, client_of):
    """Foreign and random ids answer alike; people without the permission are refused."""
    with app.app_context():
        from onyx.commands.isolation import _check
        from onyx.tenancy.listing import place

        id = _check(place(world.acme.id))["content"]["id"]
    assert client_of("carol").get(f"/api/v1/isolation/reports/{id}").status_code == 200
    foreign = client_of("gus").get(f"/api/v1/isolation/reports/{id}")
    random = client_of("gus").get("/api/v1/isolation/reports/00000000-0000-4000-8000-000000000000")
    assert (foreign.status_code, random.status_code) == (404, 404)
    assert client_of("alice").get("/api/v1/isolation/reports").status_code == 403
    assert client_of("dana").get("/api/v1/isolation/reports").status_code == 403
