"""The front door: one answer for every failure, a lock that cannot be dodged, tokens that cannot be made (S7, F23, F25)."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import jwt
import pytest

from onyx.core.secrets import derive
from onyx.edge.lockout import AT_ONCE
from onyx.identity.passwords import hash_password
from tests.cast import PASSWORD, join
from tests.waiting import PATIENT, soon_below

LOGIN = "/api/v1/auth/login"


def _try(app, email, password="wrong wrong wrong", **headers):
    return app.test_client().post(LOGIN, json={"email": email, "password": password}, headers=headers)


def _shape(answer):
    body = answer.get_json()
    body["error"].pop("request_id")
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-ID", "Date")}
    return answer.status_code, body, headers


def test_every_failure_has_the_same_answer(app, world):
    known, unknown = _try(app, world.alice.email), _try(app, "nobody@nowhere.example")
    wrong_tenant = app.test_client().post(
        LOGIN, json={"email": world.alice.email, "password": PASSWORD, "tenant": world.globex.slug}
    )
    assert _shape(known) == _shape(unknown) == _shape(wrong_tenant)
    assert known.status_code == 401
    assert "Set-Cookie" not in known.headers


def test_unknown_and_known_take_as_long(app, world):
    """Medians of interleaved tries differ by far less than the Argon2id that an early answer would save."""

    def seconds(email):
        began = time.perf_counter()
        assert _try(app, email).status_code == 401
        return time.perf_counter() - began

    with app.app_context():
        somebody = join(world.acme, "kim", "Kim Known", "user", hash_password(PASSWORD))
    for _ in range(5):  # the first ones are slower
        seconds(somebody.email), seconds("nobody@nowhere.example")

    def difference():
        known, unknown = zip(
            *((seconds(somebody.email), seconds("nobody@nowhere.example")) for _ in range(20)), strict=True
        )
        return abs(statistics.median(known) / statistics.median(unknown) - 1)

    assert soon_below(0.25, difference)


def test_the_lock_survives_other_addresses_and_programs(app, world, limits_on, owner):
    """F23: rotating User-Agent and X-Forwarded-For opens no account's lock."""
    email = world.bob.email
    tries = [
        _try(app, email, **{"User-Agent": f"program {n}", "X-Forwarded-For": f"10.0.0.{n}"}).status_code
        for n in range(12)
    ]
    assert tries == [401] * 10 + [429] * 2
    locked = _try(app, email.upper(), PASSWORD)
    assert locked.status_code == 429 and int(locked.headers["Retry-After"]) > 0
    assert _blocks(owner, world.acme) == [world.bob.email], "one event for the lock, however often it is met"
    assert _try(app, world.cleo.email, PASSWORD).status_code == 200, "others still come in"


def _blocks(owner, tenant, least=1):
    """Whose front doors were closed, by the trail; the event is written after the answer."""
    deadline = time.monotonic() + PATIENT
    while True:
        found = owner.execute(
            f"select targets->0->>'display' from {tenant.schema}.audit_event where action = 'sign_in.blocked'"
        ).fetchall()
        if len(found) >= least or time.monotonic() > deadline:
            time.sleep(0.2)
            return [row[0] for row in found]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"email": "\\ud800@x.y", "password": "x"}', b'{"email": 1, "password": []}',
                                  b"\xff\xfe", b'{"email": "a@b.c\\u0000", "password": "x"}', b"null", b"[]", b"", b"{",
                                  b'{"email": "' + b"a" * 200_000 + b'", "password": "x"}'])  # fmt: skip
def test_malformed_sign_ins_are_refused_politely(app, limits_on, body):
    answer = app.test_client().post(LOGIN, data=body, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    assert answer.get_json()["success"] is False


def _claims(sign_in):
    token = sign_in("alice")["token"]
    return token, jwt.decode(token, derive("token"), algorithms=["HS256"], options={"verify_sub": False})


def _forged(sign_in, world):
    token, claims = _claims(sign_in)
    head, body, _ = token.split(".")

    def make(changed, key=None, how="HS256"):
        return jwt.encode({**claims, **changed}, key or derive("token"), algorithm=how)

    yield "unsigned", jwt.encode(claims, None, algorithm="none")
    yield "signature cut off", f"{head}.{body}."
    yield "another key", make({}, b"x" * 32)
    yield "a key of another use", make({}, derive("csrf"))
    yield "expired", make({"exp": int(time.time()) - 1})
    yield "another person", make({"sub": world.bob.id.hex})
    yield "another tenant", make({"tid": world.globex.id.hex})
    yield "another session", make({"sid": uuid4().hex})
    yield "a longer life", make({"exp": claims["exp"] + 1000})
    yield "no session", make({"sid": None})
    yield "an odd algorithm", make({}, derive("token") * 2, "HS512")
    yield "nonsense", "x" * 2000
    yield "not ASCII", "tökén"
    yield "empty", ""


def test_forged_tokens_open_nothing(app, world, sign_in):
    """F21: unsigned, wrongly signed, expired, another tenant's; genuinely signed ones with other claims included: the
    session's row knows the digest of its one token.
    """
    for what, token in _forged(sign_in, world):
        answer = app.test_client().get(
            "/api/v1/users/me", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        )
        assert answer.status_code == 401, what
        client = app.test_client()
        if token.isascii():
            client.set_cookie("onyx_session", token)
            assert client.get("/api/v1/users/me").status_code == 401, what


def test_signing_out_kills_the_token(client_of, app):
    """F17: the token that somebody kept is replayed after signing out."""
    alice = client_of("alice")
    assert alice.post("/api/v1/auth/logout").status_code == 200
    again = alice.get("/api/v1/users/me")
    assert again.status_code == 401 and again.get_json()["error"]["reason"] == "signed_out"


def test_a_rotated_token_has_ten_seconds_of_grace_and_then_betrays_its_thief(client_of, owner, world):
    """F25: of two who hold one token, one wins; its reuse ends the family."""
    alice = client_of("alice")
    old = alice.token
    new = alice.post("/api/v1/auth/refresh").get_json()["data"]["token"]
    assert new != old
    assert alice.get("/api/v1/users/me").status_code == 200, "within the grace"
    alice.token = new
    assert alice.get("/api/v1/users/me").status_code == 200
    owner.execute(
        f"update {world.acme.schema}.login_session set rotated_at = now() - interval '11 seconds' where id = %s",
        [alice.signed_in["session_id"]],
    )
    alice.token = old
    assert alice.get("/api/v1/users/me").status_code == 401, "after the grace"
    alice.token = new
    assert alice.get("/api/v1/users/me").status_code == 401, "reuse of an old token ends the session"


def test_a_session_ends_when_idle_and_at_its_limit(client_of, owner, world, app):
    for column, reason in (("last_seen_at", "idle"), ("expires_at", "expired")):
        alice = client_of("alice")
        owner.execute(
            f"update {world.acme.schema}.login_session set {column} = now() - interval '2 days' where id = %s",
            [alice.signed_in["session_id"]],
        )
        app.extensions["onyx"].store.client.flushdb()
        answer = alice.get("/api/v1/users/me")
        assert answer.status_code == 401 and answer.get_json()["error"]["reason"] == reason


def test_one_can_end_ones_other_sessions_and_nobody_elses(client_of):
    here, there, bobs = client_of("alice"), client_of("alice"), client_of("bob")
    path = "/api/v1/auth/sessions/{}"
    assert here.delete(path.format(bobs.signed_in["session_id"])).status_code == 404
    assert here.delete(path.format(there.signed_in["session_id"])).status_code == 200
    assert there.get("/api/v1/users/me").get_json()["error"]["reason"] == "revoked_by_you"
    assert bobs.get("/api/v1/users/me").status_code == 200


def test_a_crowd_of_guesses_at_once_gets_no_more_tries_than_a_queue(app, world, limits_on):
    """A failure counts when it is over: without a bound all of these passwords would be tried."""
    with app.app_context():
        somebody = join(world.acme, "sam", "Sam Slow", "user", hash_password(PASSWORD))
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda n: _try(app, somebody.email, f"wrong guess {n}").status_code, range(40)))
    assert set(answers) == {401, 429}
    assert answers.count(401) <= 10 + AT_ONCE, answers
