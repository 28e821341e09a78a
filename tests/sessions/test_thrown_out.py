"""Who is thrown out leaves nothing behind by which to come back, also by a request that is under way meanwhile (I5, S5).

Each test holds one of the two transactions open by hand until the other waits for it, so that nothing hangs on luck.
"""
# ruff: noqa: F811 - fixtures

from __future__ import annotations

from functools import partial

import pyotp
import pytest

from onyx.access import lifecycle
from onyx.access.ending import end_all_of
from onyx.core.errors import Unauthenticated
from onyx.identity.models import User
from onyx.keys import service as keys
from onyx.sso import service as sso
from tests.cast import PASSWORD
from tests.factors.authenticator import Authenticator
from tests.factors.conftest import codes_of  # noqa: F401 - a fixture
from tests.passwords.conftest import link_of  # noqa: F401 - a fixture
from tests.sessions.conftest import NEW, ask, told

KEYS, USERS, FACTORS = "/api/v1/api-keys", "/api/v1/users", "/api/v1/auth/factors"
RESET, CHANGE = "/api/v1/auth/password/reset", "/api/v1/auth/password"
PROVIDER = {
    "issuer": "https://id.acme.example", "client_id": "x", "domains": ["acme.example"], "default_role": "user",
    "create_people": True, "enabled": True,
}  # fmt: skip


@pytest.fixture
def world(fresh_world):
    return fresh_world


def test_a_key_made_while_the_password_is_reset_does_not_outlive_it(
    app,
    world,
    client_of,
    link_of,
    as_signed_in,
    actor_of,
    meanwhile,
):
    thief, token = client_of("alice"), link_of("alice")
    with as_signed_in("alice", "member", thief) as session:
        made = keys.create(session, actor_of("alice"), name="k", permissions=["chat:use"], days=9)
        reset = meanwhile(lambda: app.test_client().post(RESET, json={"token": token, "new": NEW}))
    assert reset().get_json()["data"] == {"changed": True, "api_keys_revoked": 1}
    assert ask(app, made["key"]) == (401, "key_revoked")


def test_nor_one_that_is_made_in_the_session_that_changes_the_password(
    app, client_of, as_signed_in, actor_of, meanwhile
):
    """Whoever has a copy of this very session's token, which goes on."""
    alice = client_of("alice")
    sent = {"current": PASSWORD, "new": NEW, "revoke_keys": True}
    with as_signed_in("alice", "member", alice) as session:
        made = keys.create(session, actor_of("alice"), name="k", permissions=["chat:use"], days=9)
        change = meanwhile(lambda: alice.post(CHANGE, json=sent))
    assert change().get_json()["data"]["api_keys_revoked"] == 1
    assert ask(app, made["key"]) == (401, "key_revoked")


# -- whatever else gives a way back, made after the end


def _doors(dana, bob, hashes):
    """What gives a way back over HTTP; what hashes a password takes longer."""
    if hashes:
        return [
            ("post", USERS, {"email": "other@acme.example", "display_name": "Other", "roles": ["admin"]}),
            ("post", f"{bob}/reset-password", None),
            ("post", CHANGE, {"current": PASSWORD, "new": NEW}),
        ]
    begun = dana.post(f"{FACTORS}/passkeys/options").get_json()["data"]
    made = Authenticator().create(begun["options"])
    return [
        ("post", KEYS, {"name": "k", "permissions": ["chat:use"]}),
        ("post", f"{FACTORS}/passkeys", {"challenge": begun["challenge"], "credential": made, "name": "Phone"}),
        ("post", f"{FACTORS}/recovery-codes", None),
        ("post", "/api/v1/invitations", {"email": "new@acme.example", "roles": ["user"]}),
        ("put", f"{bob}/roles", {"roles": ["admin"]}),
        ("post", f"{bob}/reset-link", None),
        ("patch", bob, {"email": "thief@acme.example"}),
        ("post", "/api/v1/roles", {"name": "Wide", "permissions": ["chat:use"]}),
    ]


@pytest.fixture
def by_sso(as_signed_in, actor_of):
    """What gives a way back by an organisation's sign-in service: `by_sso(client)`, to be called later."""

    def refused(client, purpose, work):
        try:
            with as_signed_in("dana", purpose, client) as session:
                work(session, actor_of("dana"))
        except Unauthenticated as over:
            return 401, over.reason

    def save(session, actor):
        sso.save(session, actor, PROVIDER, "secret")

    def link(session, actor):
        sso.link(session, actor, actor.user_id, actor.email, "i", "s", "them")

    return lambda client: [partial(refused, client, "admin", save), partial(refused, client, "auth", link)]


@pytest.mark.parametrize("hashes", [False, True], ids=["at_once", "with_a_hash"])
def test_what_is_made_in_a_session_that_is_being_ended_is_not_made(
    world, client_of, as_signed_in, actor_of, meanwhile, owner, codes_of, by_sso, hashes
):
    """An administrator's requests pass the gate, and their session ends before they have written anything."""
    dana = client_of("dana")
    codes_of("dana", dana)
    doors = _doors(dana, f"{USERS}/{world.bob.id}", hashes)

    def through(how, path, sent):
        return lambda: told(getattr(dana, how)(path, json=sent))

    before = _ways_in(owner, world.acme)
    with as_signed_in("dana", "auth") as session:
        end_all_of(session, actor_of("dana"), world.dana.id, "revoked_by_admin")
        under_way = meanwhile(*(through(*door) for door in doors), *by_sso(dana))
    assert under_way() == [(401, "revoked_by_admin")] * (len(doors) + 2)
    assert _ways_in(owner, world.acme) == before


def test_a_factor_is_not_enrolled_by_who_is_being_suspended(world, client_of, as_signed_in, actor_of, meanwhile, owner):
    alice = client_of("alice")
    code = pyotp.TOTP(alice.post(f"{FACTORS}/totp").get_json()["data"]["secret"]).now()
    before = _ways_in(owner, world.acme)
    with as_signed_in("dana", "admin") as session:
        lifecycle.suspend(session, actor_of("dana"), session.get_one(User, world.alice.id))
        under_way = meanwhile(
            lambda: told(alice.post(f"{FACTORS}/totp/confirm", json={"code": code})),
            lambda: told(alice.post(f"{FACTORS}/totp")),
        )
    assert under_way() == [(401, "suspended")] * 2
    assert _ways_in(owner, world.acme) == before


def _ways_in(owner, tenant):
    """All rows by which somebody could come in."""
    tables = (
        "api_key", "app_user", "credential", "external_identity", "invitation", "passkey", "password_reset",
        "recovery_code", "role", "sso_provider", "totp", "user_role",
    )  # fmt: skip
    without = {"app_user": " - 'status' - 'updated_at'"}
    return {
        name: owner.execute(
            f"select jsonb_agg(line order by line) from (select to_jsonb(t){without.get(name, '')} as line"
            f" from {tenant.schema}.{name} t) lines"
        ).fetchone()[0]
        for name in tables
    }
