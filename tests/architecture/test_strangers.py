"""Owner × tenant × role × route: other people's ids, deleted ids and random ids answer alike, on every route with an id."""

from __future__ import annotations

import json
from functools import cache
from uuid import uuid4

import pytest

from onyx.access.policy import PURPOSE, Permission, permissions_of
from tests.factories import belongings

ROLES = {"dana": "admin", "carol": "auditor", "alice": "user", "petra": "platform_admin"}
BODY = {"title": "x", "name": "x", "roles": ["user"], "text": "x", "display_name": "x", "content": "x", "slug": "x-x-x",
        "email": "x@y.example", "status": "active", "project_id": None, "password": "correct horse battery"}  # fmt: skip


@pytest.fixture(scope="module")
def doors(app):
    found = {}
    for rule in app.url_map.iter_rules():
        if any(name.endswith("_id") for name in rule.arguments):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                found[method, rule.rule] = app.view_functions[rule.endpoint].__dict__["onyx_rule"].permission
    assert len(found) >= 15
    return found


@pytest.fixture
def known(client_of):
    """One client for each of the cast: signing in is slow on purpose."""
    return cache(client_of)


@pytest.fixture
def owned(actor_of, session_of):
    return {name: belongings(name, actor_of(name), session_of) for name in ("bob", "mallory")}


@pytest.fixture
def made_there(client_of):
    """What else lies in Globex: an API key, an invitation, a role of its own."""
    greta, mallory = client_of("greta"), client_of("mallory")
    sent = (
        (mallory, "api-keys", {"name": "robot", "permissions": ["chat:use"]}),
        (greta, "invitations", {"email": f"{uuid4().hex}@globex.example"}),
        (greta, "roles", {"name": f"Reader {uuid4().hex[:8]}", "permissions": ["users:read"]}),
    )
    return {
        f"globex's {what}": who.post(f"/api/v1/{what}", json=body).get_json()["data"]["id"] for who, what, body in sent
    }


@pytest.fixture
def kept_of_globex(owner, world):
    """What Onyx itself keeps of Globex: a report on its isolation, a backup, a deletion that was taken back."""
    ids, place = {what: uuid4() for what in ("report", "backup", "deletion")}, world.globex
    _quietly(owner, place, f"insert into {place.schema}.isolation_report (id, passed, failed, document)"
             f" values ('{ids['report']}', true, 0, '{{}}')")  # fmt: skip
    owner.execute(
        "insert into onyx.backup (id, tenant_id, slug, name, kind, state) values (%s, %s, %s, 'Globex', 'asked', 'failed')",
        [ids["backup"], place.id, place.slug],
    )
    owner.execute(
        "insert into onyx.deletion (id, tenant_id, slug, name, state, reason, requested_as, confirm_from)"
        " values (%s, %s, %s, 'Globex', 'cancelled', 'a try', 'petra', now())",
        [ids["deletion"], place.id, place.slug],
    )
    yield ids
    _quietly(owner, place, f"delete from {place.schema}.isolation_report where id = '{ids['report']}'")
    for what in ("backup", "deletion"):
        owner.execute(f"delete from onyx.{what} where id = %s", [ids[what]])


def _quietly(owner, place, statement: str) -> None:
    """A statement on isolation reports that the trail need not know of."""
    with owner.transaction():
        owner.execute(f"alter table {place.schema}.isolation_report disable trigger user")
        owner.execute(statement)
        owner.execute(f"alter table {place.schema}.isolation_report enable trigger user")


def _strange_ids(owner, world, owned, logins, permission: Permission) -> dict[str, str]:
    """Ids that exist, but not for the one who asks: of a colleague (for members), of another tenant (for all)."""
    found = {}
    for name in ("mallory", "bob") if PURPOSE[permission] == "member" else ("mallory",):
        things = owned[name]
        found |= {f"{name}'s chat": things.chat, f"{name}'s file": things.file, f"{name}'s project": things.project,
                  f"{name}'s message": things.message, f"{name}'s user": things.user,
                  f"{name}'s login session": logins[name]}  # fmt: skip
    schema = world.globex.schema
    row = owner.execute(f"select event_id from {schema}.audit_event limit 1").fetchone()
    assert row is not None
    found["globex's event"] = row[0]
    return {what: str(id) for what, id in found.items()}


def test_strangers_ids_are_unknown_ids(world, owner, owned, sign_in, known, doors, made_there, kept_of_globex):
    """F13: an id of another tenant, of a colleague, a random one and no id at all are one answer (F6 too)."""
    logins = {name: sign_in(name)["session_id"] for name in ("bob", "mallory")}
    made_there |= {f"globex's {what}": str(id) for what, id in kept_of_globex.items()}
    for (method, rule), permission in doors.items():
        name = next(
            (n for n, role in ROLES.items() if permission in permissions_of((role,), world[n].tenant.slug)), None
        )
        assert name, f"nobody of the cast may {permission}"
        if PURPOSE[permission] == "platform":
            continue  # the platform's people may see every tenant: test_platform_ids
        client = known(name)
        ids = _strange_ids(owner, world, owned, logins, permission) | made_there
        answers = {what: _ask(client, method, rule, id) for what, id in ids.items()}
        answers |= {
            "a random id": _ask(client, method, rule, str(uuid4())),
            "no id at all": _ask(client, method, rule, "nonsense"),
        }
        expected = answers["a random id"]
        assert expected[0] in (404,), f"{method} {rule}: a random id answers {expected}"
        odd = {what: answer for what, answer in answers.items() if answer != expected}
        assert odd == {}, f"{method} {rule} tells strangers apart (as {name})"


def test_platform_ids(client_of, doors):
    petra = client_of("petra")
    for (method, rule), permission in doors.items():
        if PURPOSE[permission] == "platform":
            random, malformed = _ask(petra, method, rule, str(uuid4())), _ask(petra, method, rule, "nonsense")
            assert random == malformed and random[0] == 404, f"{method} {rule}: {random} {malformed}"


def test_a_backup_is_of_its_own_organisation_alone(client_of, world, kept_of_globex):
    """Somebody who may see all of them still names both rightly: a slip restores nothing of another organisation."""
    petra = client_of("petra")
    for what in ("restore", "drill"):
        answers = {
            _ask(petra, "POST", f"/api/v1/tenants/{world.acme.id}/backups/<backup_id>/{what}", str(id))
            for id in (kept_of_globex["backup"], uuid4())
        }
        assert len(answers) == 1 and next(iter(answers))[0] == 404, answers


def test_roles_without_the_permission_are_refused_whatever_the_id(world, known, doors, owned):
    """A role that may not is told so before any row is looked for: 403 for its own and for strangers' ids alike."""
    for (method, rule), permission in doors.items():
        for name, role in {**ROLES, "lee": "limited", "cleo": "curator", "greta": "admin"}.items():
            if permission not in permissions_of((role,), world[name].tenant.slug):
                client = known(name)
                answers = {_ask(client, method, rule, id) for id in (str(owned["bob"].chat), str(uuid4()))}
                assert len(answers) == 1 and next(iter(answers))[0] == 403, f"{method} {rule} as {name}: {answers}"


def test_deleted_ids_answer_as_unknown_ones(client_of):
    """F13: what was deleted is as if it had never been."""
    alice = client_of("alice")
    for make, path in (
        (lambda: alice.post("/api/v1/sessions", json={}), "/api/v1/sessions/{}"),
        (lambda: alice.post("/api/v1/projects", json={"name": "soon gone"}), "/api/v1/projects/{}"),
    ):
        made = make().get_json()["data"]["id"]
        assert alice.get(path.format(made)).status_code == 200
        assert alice.delete(path.format(made)).status_code == 200
        gone, never = (_ask(alice, "GET", path, id) for id in (made, str(uuid4())))
        assert gone == never and gone[0] == 404


def _ask(client, method: str, rule: str, id: str) -> tuple[int, str]:
    path = rule
    while "<" in path:
        before, _, rest = path.partition("<")
        path = before + id + rest.partition(">")[2]
    answer = client.open(path.replace("{}", id), method=method, json=None if method == "GET" else BODY)
    body = answer.get_json(silent=True)
    if body and "error" in body:
        body["error"].pop("request_id")
    return answer.status_code, json.dumps(body, sort_keys=True) if body else answer.text
