"""One e-mail in two organisations: neither can keep its owner out of the other (T6, S4)."""

from __future__ import annotations

import pytest

from tests.cast import PASSWORD

LOGIN = "/api/v1/auth/login"
OTHER = "another password of hers"


@pytest.fixture
def world(fresh_world):
    return fresh_world


def _sign_in(app, email, password, **more):
    return app.test_client().post(LOGIN, json={"email": email, "password": password, **more})


def test_another_organisation_cannot_lock_somebody_out_by_adding_her(app, client_of, world):
    sent = {"email": world.alice.email, "roles": ["user"], "password": OTHER}
    assert client_of("greta").post("/api/v1/users", json=sent).status_code == 201
    here = _sign_in(app, world.alice.email, PASSWORD)
    assert here.status_code == 200, here.text
    assert here.get_json()["data"]["user"]["tenant"]["slug"] == world.acme.slug
    there = _sign_in(app, world.alice.email, OTHER)
    assert there.get_json()["data"]["user"]["tenant"]["slug"] == world.globex.slug
    assert _sign_in(app, world.alice.email, OTHER, tenant=world.acme.slug).status_code == 401
    assert _sign_in(app, world.alice.email, "neither of the two").status_code == 401


def test_a_person_who_was_never_made_there_keeps_nobody_out(app, client_of, world):
    sent = {"email": world.bob.email, "roles": ["user"], "password": "short"}
    assert client_of("greta").post("/api/v1/users", json=sent).status_code == 422
    assert _sign_in(app, world.bob.email, PASSWORD).status_code == 200


def test_one_password_in_both_needs_the_name_of_one(app, client_of, world):
    sent = {"email": world.cleo.email, "roles": ["user"], "password": PASSWORD}
    assert client_of("greta").post("/api/v1/users", json=sent).status_code == 201
    assert _sign_in(app, world.cleo.email, PASSWORD).status_code == 401
    assert _sign_in(app, world.cleo.email, PASSWORD, tenant=world.globex.slug).status_code == 200


def test_a_slip_here_stands_in_no_other_organisations_trail(app, client_of, world, owner):
    """Her address and program at a wrong password are none of the other's business."""
    sent = {"email": world.alice.email, "roles": ["user"], "password": OTHER}
    assert client_of("greta").post("/api/v1/users", json=sent).status_code == 201
    assert _sign_in(app, world.alice.email, "neither of the two").status_code == 401
    told = f"select count(*) from {world.globex.schema}.audit_event where action = 'sign_in.failed'"
    assert owner.execute(told).fetchone() == (0,)
