"""People with second factors: enrolled through the doors, with what their phones would show."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from tests.factors.authenticator import Authenticator

LOGIN, MFA, FACTORS = "/api/v1/auth/login", "/api/v1/auth/mfa", "/api/v1/auth/factors"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def codes_of(client_of) -> Callable[..., tuple[pyotp.TOTP, list[str]]]:
    """Set up an authenticator app: `generator, recovery_codes = codes_of("alice")`."""

    def enrol(name: str, client: Any = None) -> tuple[pyotp.TOTP, list[str]]:
        client = client or client_of(name)
        while True:
            begun = client.post(f"{FACTORS}/totp").get_json()["data"]
            generator = pyotp.TOTP(begun["secret"])
            if not _shows_a_guess(generator):
                break
        answer = client.post(f"{FACTORS}/totp/confirm", json={"code": generator.now()})
        assert answer.status_code == 200, answer.text
        return generator, answer.get_json()["data"]["recovery_codes"]

    return enrol


def _shows_a_guess(generator: pyotp.TOTP) -> bool:
    """Whether one of its codes is, for as long as a test may last, what tests guess: 000000 to 000019."""
    return any(generator.at(time.time() + 30 * step) < "000020" for step in range(-2, 20))


@pytest.fixture
def passkey_of(client_of) -> Callable[..., Authenticator]:
    """Set up a passkey: the device that holds it."""

    def enrol(name: str) -> Authenticator:
        client, device = client_of(name), Authenticator()
        begun = client.post(f"{FACTORS}/passkeys/options").get_json()["data"]
        sent = {"challenge": begun["challenge"], "credential": device.create(begun["options"]), "name": "Phone"}
        answer = client.post(f"{FACTORS}/passkeys", json=sent)
        assert answer.status_code == 201, answer.text
        return device

    return enrol


@pytest.fixture
def first_step(app, world) -> Callable[..., dict[str, Any]]:
    """E-mail and password alone: the answer's data."""

    def step(name: str, **more: Any) -> dict[str, Any]:
        sent = {"email": world[name].email, "password": world[name].password, **more}
        answer = app.test_client().post(LOGIN, json=sent)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.get_json()["data"]
        return data

    return step


@pytest.fixture
def second_step(app) -> Callable[..., Any]:
    """The answer to a challenge: `second_step(challenge, code="123456")`."""
    return lambda challenge, **proof: app.test_client().post(MFA, json={"challenge": challenge, **proof})


@pytest.fixture
def forget_steps(owner, world):
    """Let a person's codes be good again, as half a minute later."""

    def forget(name: str) -> None:
        owner.execute(f"update {world[name].tenant.schema}.totp set last_step = 0 where user_id = %s", [world[name].id])

    return forget


@pytest.fixture
def used_code(owner, world):
    """The code that a person used last: `now()` may be the next one already."""

    def used(name: str, generator: pyotp.TOTP) -> str:
        asked = f"select last_step from {world[name].tenant.schema}.totp where user_id = %s"
        return generator.at(owner.execute(asked, [world[name].id]).fetchone()[0] * generator.interval)

    return used


@pytest.fixture
def make_stale(owner, world):
    """Let a login session be older than a confirmation lasts."""

    def age(client: Any, name: str) -> None:
        schema, login = world[name].tenant.schema, client.signed_in["session_id"]
        owner.execute(
            f"update {schema}.login_session set created_at = now() - interval '11 minutes' where id = %s", [login]
        )
        owner.execute(f"delete from {schema}.confirmation where session_id = %s", [login])

    return age


@pytest.fixture
def actions(owner):
    """The actions in a tenant's trail, with how often each occurs: of one action, the count."""

    def count(tenant: Any, action: str) -> int:
        row = owner.execute(f"select count(*) from {tenant.schema}.audit_event where action = %s", [action]).fetchone()
        return int(row[0])

    return count


def code_in(answer: Any) -> str:
    return str(answer.get_json()["error"]["code"])


def later_code(generator: pyotp.TOTP, steps: int = 1) -> str:
    return generator.at(time.time() + 30 * steps)
