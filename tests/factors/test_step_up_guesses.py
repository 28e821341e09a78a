"""Guesses at "confirm that it is you" count as those at the front door (S7)."""

from __future__ import annotations

from tests.cast import PASSWORD
from tests.factors.conftest import later_code
from tests.waiting import until

LOGIN, STEP_UP, CHANGE = "/api/v1/auth/login", "/api/v1/auth/step-up", "/api/v1/auth/password"


def _sign_in(app, person, password=PASSWORD):
    return app.test_client().post(LOGIN, json={"email": person.email, "password": password}).status_code


def test_wrong_passwords_close_the_front_door_and_this_one(app, world, client_of, limits_on, actions):
    dana = client_of("dana")
    for n in range(4):
        assert _sign_in(app, world.dana, f"wrong guess {n}") == 401
    for n in range(3):
        assert dana.post(STEP_UP, json={"password": f"wrong guess {n}"}).status_code == 422
    for n in range(3):
        assert dana.post(CHANGE, json={"current": f"wrong guess {n}", "new": f"{PASSWORD} {n}"}).status_code == 422
    for answer in (
        dana.post(STEP_UP, json={"password": PASSWORD}),
        dana.post(CHANGE, json={"current": PASSWORD, "new": f"{PASSWORD} once more"}),
    ):
        assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 900
    assert _sign_in(app, world.dana) == 429
    assert actions(world.acme, "step_up.failed") == 6


def test_a_closed_door_stands_in_the_trail(app, world, client_of, limits_on, owner):
    dana = client_of("dana")
    for n in range(10):
        dana.post(STEP_UP, json={"password": f"wrong guess {n}"})
    assert dana.post(STEP_UP, json={"password": PASSWORD}).status_code == 429
    asked = f"select count(*) from {world.acme.schema}.audit_event where action = 'sign_in.blocked'"
    until(lambda: owner.execute(asked).fetchone()[0])
    assert owner.execute(asked).fetchone()[0] == 1


def test_wrong_codes_count_as_codes_and_leave_the_password_good(
    app, world, client_of, codes_of, limits_on, first_step, second_step
):
    dana = client_of("dana")
    generator, _ = codes_of("dana", dana)
    for _ in range(10):
        assert dana.post(STEP_UP, json={"code": "000000"}).status_code == 422
    assert dana.post(STEP_UP, json={"code": later_code(generator)}).status_code == 429
    assert dana.post(STEP_UP, json={"password": PASSWORD}).status_code == 200
    challenge = first_step("dana")["challenge"]
    assert second_step(challenge, code=later_code(generator)).status_code == 429, "the same count"
