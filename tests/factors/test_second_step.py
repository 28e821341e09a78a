"""Signing in with a second factor: codes that are good once, challenges that belong to one person (I6, F20)."""

from __future__ import annotations

import threading

from onyx.identity import tickets
from tests.factors.authenticator import Authenticator
from tests.factors.conftest import FACTORS, MFA, code_in, later_code


def test_the_password_alone_opens_nothing(app, world, codes_of, first_step, second_step, actions):
    generator, codes = codes_of("alice")
    assert len(codes) == len(set(codes)) == 10
    data = first_step("alice")
    assert data["mfa_required"] is True and data["methods"] == ["totp", "recovery_code"]
    assert "token" not in data and "user" not in data
    assert (
        app.test_client().get("/api/v1/users/me", headers={"Authorization": f"Bearer {data['challenge']}"}).status_code
        == 401
    )

    answer = second_step(data["challenge"], code=later_code(generator))
    assert answer.status_code == 200, answer.text
    assert "onyx_session=" in answer.headers["Set-Cookie"]
    token = answer.get_json()["data"]["token"]
    me = app.test_client().get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}).get_json()["data"]
    assert me["email"] == world.alice.email
    assert actions(world.acme, "sign_in.challenged") == 1 and actions(world.acme, "factor.added") == 1


def test_a_code_is_good_once(codes_of, used_code, first_step, second_step):
    """Replayed within its half minute, with a new challenge: refused (RFC 6238, 5.2). The enrolment's code too."""
    generator, _ = codes_of("alice")
    used = used_code("alice", generator)
    assert code_in(second_step(first_step("alice")["challenge"], code=used)) == "wrong_code"
    code = later_code(generator)
    assert second_step(first_step("alice")["challenge"], code=code).status_code == 200
    again = second_step(first_step("alice")["challenge"], code=code)
    assert again.status_code == 401 and code_in(again) == "wrong_code"


def test_of_parallel_sign_ins_with_one_code_one_succeeds(server, codes_of, first_step):
    serving, (generator, _) = server(processes=2), codes_of("alice")
    challenges = [first_step("alice")["challenge"] for _ in range(20)]
    code = later_code(generator)  # last of all: a code is good for a minute, and a server may take longer to start
    statuses = _at_once(serving, [{"challenge": challenge, "code": code} for challenge in challenges])
    assert sorted(statuses)[:1] == [200] and statuses.count(200) == 1, statuses


def test_a_challenge_is_good_once(server, codes_of, first_step, forget_steps):
    """Even with ten different right codes at the same moment: one login session."""
    _, codes = codes_of("alice")
    challenge = first_step("alice")["challenge"]
    statuses = _at_once(server(processes=2), [{"challenge": challenge, "code": code} for code in codes[:4]])
    assert statuses.count(200) == 1 and set(statuses) == {200, 401}, statuses


def test_a_recovery_code_is_good_once(world, codes_of, first_step, second_step, client_of, actions):
    _, codes = codes_of("alice")
    assert second_step(first_step("alice")["challenge"], code=codes[0].upper().replace("-", " ")).status_code == 200
    assert code_in(second_step(first_step("alice")["challenge"], code=codes[0])) == "wrong_code"
    answer = second_step(first_step("alice")["challenge"], code=codes[1])
    token = answer.get_json()["data"]["token"]
    left = (
        client_of(None).get(FACTORS, headers={"Authorization": f"Bearer {token}"}).get_json()["data"]["recovery_codes"]
    )
    assert left == 8 and actions(world.acme, "recovery_code.used") == 2


def test_guesses_of_a_challenge_are_counted(codes_of, first_step, second_step):
    generator, _ = codes_of("alice")
    challenge = first_step("alice")["challenge"]
    told = [code_in(second_step(challenge, code="000000")) for _ in range(6)]
    assert told == ["wrong_code"] * 4 + ["challenge_over"] * 2
    assert code_in(second_step(challenge, code=later_code(generator))) == "challenge_over"


def test_guesses_in_parallel_are_counted(server, codes_of, first_step):
    codes_of("alice")
    challenge = first_step("alice")["challenge"]
    with server(processes=2).http() as client:
        _at_once(server(processes=2), [{"challenge": challenge, "code": f"{n:06}"} for n in range(20)])
        assert client.post(MFA, json={"challenge": challenge, "code": "1"}).json()["error"]["code"] == "challenge_over"


def test_an_old_challenge_is_over(owner, world, codes_of, first_step, second_step):
    generator, _ = codes_of("alice")
    challenge = first_step("alice")["challenge"]
    owner.execute(f"update {world.acme.schema}.factor_challenge set expires_at = now() - interval '1 second'")
    assert code_in(second_step(challenge, code=later_code(generator))) == "challenge_over"


def test_a_challenge_is_of_one_person_of_one_tenant(world, codes_of, first_step, second_step):
    """Mallory's code opens nothing of Alice, nor does an edited challenge, nor one for another use."""
    alices, _ = codes_of("alice")
    mallorys, _ = codes_of("mallory")
    challenge = first_step("alice")["challenge"]
    assert code_in(second_step(challenge, code=later_code(mallorys))) == "wrong_code"
    edited = tickets.make("sign_in", world.globex.id, world.mallory.id)[:43] + challenge[43:]
    never = tickets.make("sign_in", world.globex.id, world.alice.id)
    other_use = tickets.make("step_up", world.acme.id, world.alice.id)
    for forged in (edited, never, other_use, challenge[:-1], challenge + "A", "x" * 96, "é" * 96, "="):
        assert code_in(second_step(forged, code=later_code(alices))) == "challenge_over", forged
    assert second_step(challenge, code=later_code(alices)).status_code == 200


def test_who_is_suspended_meanwhile_does_not_get_in(codes_of, first_step, second_step, client_of, world):
    generator, _ = codes_of("alice")
    challenge = first_step("alice")["challenge"]
    assert client_of("dana").post(f"/api/v1/users/{world.alice.id}/suspend").status_code == 200
    assert code_in(second_step(challenge, code=later_code(generator))) == "challenge_over"


def test_a_new_password_ends_sign_ins_that_wait_for_their_code(codes_of, first_step, second_step, client_of, world):
    generator, _ = codes_of("alice")
    challenge = first_step("alice")["challenge"]
    assert client_of("dana").post(f"/api/v1/users/{world.alice.id}/reset-password").status_code == 200
    assert code_in(second_step(challenge, code=later_code(generator))) == "challenge_over"


def test_bad_input_is_refused(codes_of, first_step, second_step):
    codes_of("alice")
    challenge = first_step("alice")["challenge"]
    for proof in (
        {},
        {"code": ""},
        {"code": 123456},
        {"code": "x" * 65},
        {"code": "1", "passkey": {}},
        {"passkey": "x"},
    ):
        assert second_step(challenge, **proof).status_code == 422, proof
    hostile = (
        {},
        {"id": 5},
        {"id": "AAAA"},
        {"id": "é", "response": []},
        {"id": "AAAA", "rawId": "AAAA", "response": {"signature": None}},
    )
    for passkey in hostile:
        assert second_step(first_step("alice")["challenge"], passkey=passkey).status_code == 401, passkey


def test_wrong_codes_lock_the_person_whatever_the_challenge(app, world, codes_of, first_step, limits_on, actions):
    codes_of("bob")
    told = []
    for number in range(12):
        challenge = first_step("bob")["challenge"] if number % 3 == 0 else challenge  # noqa: F821
        answer = app.test_client().post(
            MFA, json={"challenge": challenge, "code": "000000"}, headers={"X-Forwarded-For": f"10.0.0.{number}"}
        )
        told.append(answer.status_code)
    assert told == [401] * 10 + [429] * 2
    assert int(answer.headers["Retry-After"]) > 0
    assert actions(world.acme, "sign_in.blocked") == 1


# -- passkeys


def test_a_passkey_signs_in(world, passkey_of, first_step, second_step, actions):
    device = passkey_of("alice")
    data = first_step("alice")
    assert data["methods"] == ["passkey", "recovery_code"]
    answer = second_step(data["challenge"], passkey=device.sign(data["passkey"]))
    assert answer.status_code == 200, answer.text
    assert actions(world.acme, "factor.added") == 1


def test_a_passkey_of_somebody_else_does_not(passkey_of, first_step, second_step):
    passkey_of("alice")
    mallorys = passkey_of("mallory")
    data = first_step("alice")
    assert code_in(second_step(data["challenge"], passkey=mallorys.sign(data["passkey"]))) == "wrong_code"
    impostor = Authenticator()
    impostor.id = mallorys.id
    assert code_in(second_step(data["challenge"], passkey=impostor.sign(data["passkey"]))) == "wrong_code"


def test_what_a_passkey_signed_is_good_once(passkey_of, first_step, second_step):
    device = passkey_of("alice")
    data = first_step("alice")
    signed = device.sign(data["passkey"])
    assert second_step(data["challenge"], passkey=signed).status_code == 200
    assert code_in(second_step(data["challenge"], passkey=signed)) == "challenge_over"
    assert code_in(second_step(first_step("alice")["challenge"], passkey=signed)) == "wrong_code"


def test_a_copied_passkey_is_noticed(passkey_of, first_step, second_step):
    """A counter that does not go forward (WebAuthn Level 3, 6.1.1)."""
    device = passkey_of("alice")
    for count, expected in ((5, 200), (5, 401), (4, 401), (6, 200)):
        data = first_step("alice")
        assert second_step(data["challenge"], passkey=device.sign(data["passkey"], count)).status_code == expected, (
            count
        )


def test_another_site_cannot_use_a_passkey(passkey_of, first_step, second_step):
    device = passkey_of("alice")
    device.origin = "http://onyx.elsewhere.example"
    data = first_step("alice")
    assert code_in(second_step(data["challenge"], passkey=device.sign(data["passkey"]))) == "wrong_code"
    device.origin = "http://localhost"
    assert (
        code_in(second_step(data["challenge"], passkey=device.sign({**data["passkey"], "rpId": "elsewhere.example"})))
        == "wrong_code"
    )


def _at_once(server, bodies) -> list[int]:
    """The statuses of all answers, sent at the same moment."""
    told: list[int] = []
    gate = threading.Barrier(len(bodies))

    def go(sent):
        with server.http() as client:
            gate.wait()
            told.append(client.post(MFA, json=sent, timeout=600).status_code)

    threads = [threading.Thread(target=go, args=(sent,)) for sent in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == len(bodies)
    return told
