"""A passkey that knows its person signs in without e-mail and password, if the device checked who uses it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from onyx.identity import open_challenges
from tests.factors.authenticator import b64, raw
from tests.factors.conftest import code_in

PATH = "/api/v1/auth/passkey"


@pytest.fixture
def options(app):
    return lambda: app.test_client().post(f"{PATH}/options").get_json()["data"]["passkey"]


@pytest.fixture
def enter(app):
    return lambda signed: app.test_client().post(PATH, json={"passkey": signed})


def test_it_signs_in(world, passkey_of, options, enter, actions):
    device = passkey_of("alice")
    before = actions(world.acme, "session.created")
    answer = enter(device.sign(options(), verified=True))
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["data"]["user"]["email"] == world.alice.email
    assert actions(world.acme, "session.created") == before + 1


def test_what_it_signed_is_good_once(passkey_of, options, enter):
    device = passkey_of("alice")
    asked = options()
    assert enter(device.sign(asked, verified=True)).status_code == 200
    assert code_in(enter(device.sign(asked, verified=True))) == "challenge_over"


def test_a_device_that_checked_nobody_is_not_enough(passkey_of, options, enter, world, actions):
    device = passkey_of("alice")
    assert code_in(enter(device.sign(options()))) == "wrong_code"
    assert actions(world.acme, "sign_in.failed") == 1


def test_a_key_opens_its_own_person_alone(world, passkey_of, options, enter):
    mallorys = passkey_of("mallory")
    passkey_of("alice")
    for handle in (world.acme.id.bytes + world.alice.id.bytes, world.acme.id.bytes + world.mallory.id.bytes,
                   world.globex.id.bytes + world.alice.id.bytes, bytes(32), b"", bytes(31), bytes(64)):  # fmt: skip
        mallorys.handle = b64(handle)
        assert code_in(enter(mallorys.sign(options(), verified=True))) == "wrong_code", handle
    mallorys.handle = b64(world.globex.id.bytes + world.mallory.id.bytes)
    assert enter(mallorys.sign(options(), verified=True)).status_code == 200


def test_a_challenge_is_made_here_and_ends(app, passkey_of, options, enter, monkeypatch):
    device = passkey_of("alice")
    asked = options()
    genuine = raw(asked["challenge"])
    spoilt = genuine[:-1] + bytes([genuine[-1] ^ 1])
    for challenge in (b64(bytes(48)), b64(spoilt), b64(b""), asked["challenge"] + "AAAA"):
        assert code_in(enter(device.sign({**asked, "challenge": challenge}, verified=True))) == "challenge_over", (
            challenge
        )
    now = time.time()
    monkeypatch.setattr(open_challenges, "time", SimpleNamespace(time=lambda: now - 301))
    old = options()
    monkeypatch.undo()
    assert code_in(enter(device.sign(old, verified=True))) == "challenge_over"


def test_bad_input(app, enter):
    for hostile in (
        {},
        {"response": 5},
        {"response": {"userHandle": "é", "clientDataJSON": "e30"}},
        {"id": [], "response": []},
    ):
        assert enter(hostile).status_code == 401, hostile
    for malformed in ({}, {"passkey": "x"}, {"passkey": None}, {"passkey": {}, "remember": "maybe"}):
        assert app.test_client().post(PATH, json=malformed).status_code == 422, malformed


def test_who_is_suspended_does_not_get_in(world, client_of, passkey_of, options, enter):
    device = passkey_of("alice")
    assert client_of("dana").post(f"/api/v1/users/{world.alice.id}/suspend").status_code == 200
    assert code_in(enter(device.sign(options(), verified=True))) == "wrong_code"
