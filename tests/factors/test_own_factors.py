"""Setting up and removing one's factors, and what only a fresh confirmation opens (I6)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from onyx.access.policy import permissions_of
from tests.factors.authenticator import Authenticator
from tests.factors.conftest import FACTORS, code_in, later_code

STEP_UP = "/api/v1/auth/step-up"


def test_nothing_of_a_factor_is_ever_shown_again(client_of, codes_of, owner, world):
    alice = client_of("alice")
    generator, codes = codes_of("alice", alice)
    shown = alice.get(FACTORS).text
    schema = world.acme.schema
    stored = "".join(
        str(owner.execute(f"select json_agg(t)::text from {schema}.{table} t").fetchone())
        for table in ("totp", "recovery_code", "passkey", "factor_challenge", "audit_event")
    )
    assert "recovery_code.renewed" not in stored and "factor.added" in stored
    for secret in (
        generator.secret,
        generator.secret.encode().hex(),
        *codes,
        *(code.replace("-", "") for code in codes),
    ):
        assert secret not in shown and secret not in stored


def test_a_wrong_code_turns_nothing_on(client_of, first_step):
    alice = client_of("alice")
    begun = alice.post(f"{FACTORS}/totp").get_json()["data"]
    assert begun["address"].startswith("otpauth://totp/") and begun["qr"].startswith("data:image/svg+xml;base64,")
    for code in ("000000", "abcdef", "١٢٣٤٥٦"):
        assert alice.post(f"{FACTORS}/totp/confirm", json={"code": code}).status_code == 422
    assert "token" in first_step("alice")
    assert alice.get(FACTORS).get_json()["data"]["totp"] is None


def test_a_sealed_secret_opens_for_its_own_person_alone(app, owner, world, codes_of, first_step, second_step):
    """Copied into Bob's row by somebody who can write to the database, Alice's secret is worth nothing."""
    generator, _ = codes_of("alice")
    codes_of("bob")
    table = f"{world.acme.schema}.totp"
    owner.execute(f"alter table {table} disable trigger recorded")
    owner.execute(
        f"update {table} set sealed_secret = (select sealed_secret from {table} where user_id = %s) where user_id = %s",
        [world.alice.id, world.bob.id],
    )
    owner.execute(f"alter table {table} enable trigger recorded")
    answer = second_step(first_step("bob")["challenge"], code=later_code(generator))
    assert code_in(answer) == "wrong_code"


def test_the_last_factor_takes_the_recovery_codes_along(client_of, codes_of, first_step):
    alice = client_of("alice")
    codes_of("alice", alice)
    assert alice.post(f"{FACTORS}/totp").status_code == 409
    assert len(alice.post(f"{FACTORS}/recovery-codes").get_json()["data"]["recovery_codes"]) == 10
    assert alice.delete(f"{FACTORS}/totp").status_code == 200
    data = alice.get(FACTORS).get_json()["data"]
    assert (data["totp"], data["passkeys"], data["recovery_codes"]) == (None, [], 0)
    assert "token" in first_step("alice")
    assert alice.delete(f"{FACTORS}/totp").status_code == 404
    assert alice.post(f"{FACTORS}/recovery-codes").status_code == 409


def test_passkeys_are_removed_by_their_own_person(client_of, passkey_of, owner, world):
    passkey_of("alice")
    row = owner.execute(f"select id from {world.acme.schema}.passkey").fetchone()
    for stranger in ("bob", "mallory", "dana"):
        assert client_of(stranger).delete(f"{FACTORS}/passkeys/{row[0]}").status_code == 404
    assert owner.execute(f"select count(*) from {world.acme.schema}.passkey").fetchone() == (1,)


def test_a_passkey_that_answers_another_challenge_is_not_kept(client_of):
    alice, device = client_of("alice"), Authenticator()
    one, two = (alice.post(f"{FACTORS}/passkeys/options").get_json()["data"] for _ in range(2))
    mallorys = client_of("mallory").post(f"{FACTORS}/passkeys/options").get_json()["data"]
    for begun, options in ((one, two["options"]), (mallorys, mallorys["options"])):
        sent = {"challenge": begun["challenge"], "credential": device.create(options)}
        assert alice.post(f"{FACTORS}/passkeys", json=sent).status_code == 422
    for credential in (
        device.create(two["options"], host="elsewhere.example"),
        {},
        {"id": "x", "response": {"attestationObject": "AA"}},
    ):
        sent = {"challenge": two["challenge"], "credential": credential}
        assert alice.post(f"{FACTORS}/passkeys", json=sent).status_code == 422
    assert alice.get(FACTORS).get_json()["data"]["passkeys"] == []


# -- step-up


SAFE = {"GET", "HEAD", "OPTIONS"}


def _dangerous(app):
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__dict__.get("onyx_rule") and app.view_functions[rule.endpoint].__dict__["onyx_rule"].fresh
        for method in (rule.methods - SAFE or {"GET"})  # a page whose form is dangerous may be looked at
    )  # fmt: skip


MUST_BE_DANGEROUS = {
    ("GET", "/api/v1/users/me/data"), ("GET", "/api/v1/exports/<parcel_id>/file"),
    ("PUT", "/api/v1/users/<user_id>/roles"), ("POST", "/api/v1/users/<user_id>/reset-password"),
    ("POST", "/api/v1/users/<user_id>/reset-link"), ("DELETE", "/api/v1/users/<user_id>/factors"),
    ("DELETE", "/api/v1/users/<user_id>"), ("POST", "/api/v1/tenants/<tenant_id>/suspend"),
    ("POST", "/api/v1/users/<user_id>/suspend"), ("POST", "/api/v1/users/<user_id>/reactivate"),
    ("POST", "/api/v1/users/<user_id>/unlock"),
    ("POST", "/api/v1/tenants/<tenant_id>/admins"), ("DELETE", "/api/v1/auth/factors/totp"),
    ("POST", "/api/v1/auth/factors/totp"), ("PATCH", "/api/v1/sign-in-policy"), ("POST", "/admin/people/edit/"),
    ("POST", "/api/v1/roles"), ("PATCH", "/api/v1/roles/<role_id>"), ("DELETE", "/api/v1/roles/<role_id>"),
    ("POST", "/api/v1/invitations"), ("POST", "/api/v1/users/import"), ("PATCH", "/api/v1/settings/sessions"),
    ("PATCH", "/api/v1/tenant/settings"), ("POST", "/api/v1/tenants/<tenant_id>/resume"), ("GET", "/api/v1/users/export"),
    ("DELETE", "/scim/v2/Users/<user_id>"), ("GET", "/api/v1/access-log/archives/<archive_id>/lines"),
}  # fmt: skip


def test_every_dangerous_door_asks_for_a_fresh_confirmation(app, world, client_of, make_stale):
    """Generated from the URL map; the list above keeps a door from losing its lock."""
    doors = _dangerous(app)
    assert set(doors) >= MUST_BE_DANGEROUS
    clients = {name: client_of(name) for name in ("carol", "dana", "petra")}
    for name, client in clients.items():
        make_stale(client, name)
    for method, rule in doors:
        permission = next(
            app.view_functions[r.endpoint].__dict__["onyx_rule"].permission for r in app.url_map.iter_rules() if (r.rule == rule and method in r.methods)
        )  # fmt: skip
        reads_logs = permission in permissions_of(("auditor",), world.acme.slug)
        name = (
            "dana" if permission in permissions_of(("admin",), world.acme.slug) else "carol" if reads_logs else "petra"
        )
        path = (
            rule.replace("<user_id>", str(world.alice.id))
            .replace("<tenant_id>", str(world.acme.id))
            .replace("<passkey_id>", str(world.alice.id))
        )
        answer = clients[name].open(path, method=method, json={"roles": ["admin"]})
        assert answer.status_code == 403, f"{method} {rule}: {answer.status_code}"
        asked = "Confirm that it is you" in answer.text if "/scim/" in rule else code_in(answer) == "step_up_required"
        assert asked, f"{method} {rule}: {answer.text}"
    for path, body in (
        ("/api/v1/live-sessions/revoke", {"all": True}),
        ("/api/v1/live-sessions/revoke", {"user_id": str(world.alice.id)}),
        ("/api/v1/live-sessions/revoke", {"ids": [str(uuid4()), str(uuid4())]}),
        ("/api/v1/platform/live-sessions/revoke", {"all": True, "tenant_id": str(world.acme.id)}),
        ("/api/v1/platform/live-sessions/revoke", {"user_id": str(world.alice.id), "tenant_id": str(world.acme.id)}),
        ("/api/v1/platform/live-sessions/revoke", {"ids": [str(uuid4()), str(uuid4())]}),
    ):
        answer = clients["petra" if "platform" in path else "dana"].post(path, json=body)
        assert code_in(answer) == "step_up_required", path


def test_one_session_is_ended_in_a_hurry(client_of, make_stale):
    """An incident: nobody looks for a second factor while a thief is signed in. More than one takes a confirmation."""
    dana, petra, revoke = client_of("dana"), client_of("petra"), "/api/v1/live-sessions/revoke"
    make_stale(dana, "dana")
    make_stale(petra, "petra")
    first, second, third = (client_of("alice").signed_in["session_id"] for _ in range(3))
    assert dana.delete(f"/api/v1/live-sessions/{first}").status_code == 200
    assert dana.post(revoke, json={"ids": [second, second]}).get_json()["data"]["ended"] == 1
    assert petra.delete(f"/api/v1/platform/live-sessions/{third}").status_code == 200


def test_a_password_or_a_code_opens_them_for_ten_minutes(client_of, codes_of, make_stale, world, actions):
    dana = client_of("dana")
    generator, _ = codes_of("dana", dana)
    roles = f"/api/v1/users/{world.alice.id}/roles"
    for number, proof in enumerate(({"password": world.dana.password}, {"code": later_code(generator)})):
        make_stale(dana, "dana")
        assert dana.get(STEP_UP).get_json()["data"]["fresh"] is False
        assert code_in(dana.put(roles, json={"roles": ["curator"]})) == "step_up_required"
        assert dana.post(STEP_UP, json=proof).status_code == 200
        assert dana.put(roles, json={"roles": [["curator"], ["user"]][number]}).status_code == 200
    assert actions(world.acme, "step_up.confirmed") == 2
    assert dana.get(STEP_UP).get_json()["data"] == {
        "fresh": True,
        "methods": ["totp", "recovery_code", "password"],
        "minutes": 10,
    }


def test_a_wrong_proof_opens_nothing(client_of, codes_of, used_code, make_stale, world, actions, passkey_of):
    dana = client_of("dana")
    generator, _ = codes_of("dana", dana)
    passkey_of_alice = passkey_of("alice")
    make_stale(dana, "dana")
    challenge = dana.post(f"{STEP_UP}/challenge").get_json()["data"]
    assert challenge["passkey"] is None
    options = {"rpId": "localhost", "challenge": "AAAA"}
    wrong = ({"password": "not the password at all"}, {"code": "000000"}, {"code": used_code("dana", generator)},
             {"challenge": challenge["challenge"], "passkey": passkey_of_alice.sign(options)})  # fmt: skip
    for proof in wrong:
        assert dana.post(STEP_UP, json=proof).status_code == 422, proof
    for malformed in ({}, {"password": "x", "code": "1"}, {"passkey": {}}, {"challenge": "x"}, {"code": None}):
        assert dana.post(STEP_UP, json=malformed).status_code == 422, malformed
    assert dana.get(STEP_UP).get_json()["data"]["fresh"] is False
    assert actions(world.acme, "step_up.failed") == len(wrong)


def test_a_passkey_confirms(client_of, passkey_of, make_stale, first_step, second_step):
    device = passkey_of("dana")
    dana = client_of(None)
    data = first_step("dana")
    dana.signed_in = second_step(data["challenge"], passkey=device.sign(data["passkey"])).get_json()["data"]
    dana.token = dana.signed_in["token"]
    make_stale(dana, "dana")
    asked = dana.post(f"{STEP_UP}/challenge").get_json()["data"]
    proof = {"challenge": asked["challenge"], "passkey": device.sign(asked["passkey"])}
    assert dana.post(STEP_UP, json=proof).status_code == 200
    assert dana.get(STEP_UP).get_json()["data"]["fresh"] is True
    assert dana.post(STEP_UP, json=proof).status_code == 422


def test_a_confirmation_belongs_to_one_login_session(client_of, make_stale, world):
    here, there = client_of("dana"), client_of("dana")
    for client in (here, there):
        make_stale(client, "dana")
    assert here.post(STEP_UP, json={"password": world.dana.password}).status_code == 200
    assert here.get(STEP_UP).get_json()["data"]["fresh"] is True
    assert there.get(STEP_UP).get_json()["data"]["fresh"] is False


@pytest.mark.parametrize("purpose", ["member", "admin"])
def test_nobody_makes_themselves_fresh_with_sql(session_of, client_of, world, purpose):
    """An injection in a request of the person writes neither a confirmation nor a younger session."""
    from sqlalchemy.exc import ProgrammingError

    from onyx.core.db import rows

    login = client_of("dana").signed_in["session_id"]
    for statement in ("insert into confirmation (user_id, session_id, method) values (%s, %s, 'x')",
                      "update login_session set created_at = now() where user_id = %s and id = %s"):  # fmt: skip
        with pytest.raises(ProgrammingError), session_of("dana", purpose) as session:
            rows(session, statement, world.dana.id, login)


# -- an administrator, for somebody who lost everything


def test_an_admin_takes_lost_factors_away(client_of, codes_of, world, first_step, actions):
    codes_of("alice")
    for name, expected in (("bob", 403), ("greta", 404), ("dana", 200)):
        assert client_of(name).delete(f"/api/v1/users/{world.alice.id}/factors").status_code == expected
    assert "token" in first_step("alice")
    assert actions(world.acme, "factor.removed") == 1
    assert client_of("dana").delete(f"/api/v1/users/{world.dana.id}/factors").status_code == 409


def test_an_operator_helps_the_last_administrator(app, owner_url, codes_of, first_step, world, owner):
    codes_of("dana")
    state = app.extensions["onyx"]
    served = state.settings
    state.settings = served.model_copy(update={"database_owner_url": owner_url})
    try:
        words = ["users", "remove-factors", world.dana.email, "--tenant", world.acme.slug]
        said = app.test_cli_runner().invoke(args=words)
    finally:
        state.settings = served
    assert said.exit_code == 0, said.output
    assert "token" in first_step("dana")
    row = owner.execute(
        f"select actor->>'type' from {world.acme.schema}.audit_event where action = 'factor.removed'"
    ).fetchone()
    assert row == ("operator",)
