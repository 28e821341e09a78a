"""A front door that too many failures closed: unlocked by an administrator or a new password, told by mail (S7)."""

from __future__ import annotations

import random
import statistics
import time

import pytest
from flask import Flask

from onyx.edge import lockout
from onyx.identity.passwords import hash_password
from tests.cast import PASSWORD, join
from tests.passwords.conftest import link_of, mailbox, posted, send_mail  # noqa: F401 - fixtures
from tests.waiting import soon_below

LOGIN, RESET = "/api/v1/auth/login", "/api/v1/auth/password/reset"


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def locked(app: Flask, world, limits_on):
    """Close somebody's front door."""

    def lock(name):
        for n in range(10):
            assert _try(app, world[name], f"wrong guess {n}") == 401
        assert _try(app, world[name]) == 429
        return world[name]

    return lock


def _try(app, person, password=PASSWORD):
    """From another address each time: what counts is whose account it is."""
    there = {"REMOTE_ADDR": f"2001:db8:{random.randrange(65536):x}:{random.randrange(65536):x}::1"}
    sent = {"email": person.email, "password": password}
    return app.test_client().post(LOGIN, json=sent, environ_base=there).status_code


def _events(owner, tenant, action):
    found = owner.execute(f"select targets->0->>'id' from {tenant.schema}.audit_event where action = %s", [action])
    return found.fetchall()


def test_an_administrator_unlocks_and_the_trail_says_so(app, world, locked, client_of, owner):
    dana = client_of("dana")
    bob = locked("bob")
    page = dana.get(f"/admin/people/edit/?id={bob.id}", headers={"Accept": "text/html"}).text
    assert 'data-testid="person-unlock"' in page and 'data-testid="person-locked"' in page
    assert dana.post(f"/api/v1/users/{bob.id}/unlock").status_code == 200
    assert _try(app, bob) == 200
    assert [row[0] for row in _events(owner, world.acme, "sign_in.unlocked")] == [str(bob.id)]
    page = dana.get(f"/admin/people/edit/?id={bob.id}", headers={"Accept": "text/html"}).text
    assert 'data-testid="person-unlock"' not in page
    assert dana.post(f"/api/v1/users/{bob.id}/unlock").status_code == 200, "nothing to do"
    assert len(_events(owner, world.acme, "sign_in.unlocked")) == 1


@pytest.mark.parametrize("name", ["alice", "carol", "greta"])
def test_nobody_else_unlocks(world, locked, client_of, name):
    stranger = client_of(name)
    bob = locked("bob")
    assert stranger.post(f"/api/v1/users/{bob.id}/unlock").status_code == (404 if name == "greta" else 403)


def test_unlocking_gives_no_endless_guesses(app, world, locked, client_of):
    """The same e-mail may sign in elsewhere: whoever administers it here could go on guessing there."""
    dana = client_of("dana")
    for _ in range(lockout.UNLOCKS):
        bob = locked("bob")
        assert dana.post(f"/api/v1/users/{bob.id}/unlock").status_code == 200
    bob = locked("bob")
    answer = dana.post(f"/api/v1/users/{bob.id}/unlock")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert _try(app, bob) == 429


def test_a_new_password_by_link_unlocks(app, world, link_of, limits_on):  # noqa: F811
    token = link_of("bob")
    for n in range(11):
        _try(app, world.bob, f"wrong guess {n}")
    new = "seven quiet lighthouses at dusk"
    assert _try(app, world.bob) == 429
    assert app.test_client().post(RESET, json={"token": token, "new": new}).status_code == 200
    assert _try(app, world.bob, new) == 200


def test_the_person_is_told_by_mail_once_a_day_and_strangers_are_not(app, world, mailbox, posted, send_mail, locked):  # noqa: F811
    bob = locked("bob")
    for n in range(12):
        app.test_client().post(LOGIN, json={"email": f"nobody@{world.acme.slug}.example", "password": f"guess {n}"})
    assert posted(world.acme) == ["waiting"]
    send_mail()
    (letter,) = [letter for letter in mailbox.letters if letter["To"] == bob.email]
    assert "wrong passwords" in letter.get_content() and "http" not in letter.get_content()
    assert posted(world.acme) == ["sent"]


# -- equal timing: whoever asks learns nothing of whom Onyx knows


def test_all_kinds_of_people_are_refused_alike_and_in_the_same_time(app, world, owner):
    """Unknown, known, suspended and people who come in by single sign-on alone: first quartiles of interleaved tries, which a busy machine moves least."""
    with app.app_context():
        sso_only = join(world.acme, "sven", "Sven Single", "user")
        known, suspended = (
            join(world.acme, name.lower(), name, "user", hash_password(PASSWORD)) for name in ("Kim", "Susan")
        )
    with owner.transaction():
        owner.execute(f"set local search_path = {world.acme.schema}")
        for table in ("credential", "app_user"):
            owner.execute(f"alter table {table} disable trigger recorded")
        owner.execute("delete from credential where user_id = %s", [sso_only.id])
        owner.execute("update app_user set status = 'suspended' where id = %s", [suspended.id])
        for table in ("credential", "app_user"):
            owner.execute(f"alter table {table} enable trigger recorded")
    emails = {
        "unknown": "nobody@nowhere.example",
        "known": known.email,
        "suspended": suspended.email,
        "sso": sso_only.email,
    }
    for who, email in emails.items():  # the first ones are slower
        _refused(app, who, email)

    def alike():
        times, told = {who: [] for who in emails}, {}
        for _ in range(16):
            for who, email in emails.items():
                began = time.perf_counter()
                told[who] = _refused(app, who, email)
                times[who].append(time.perf_counter() - began)
        assert len({str(answer) for answer in told.values()}) == 1, told
        usual = {who: statistics.quantiles(found, n=4)[0] for who, found in times.items()}
        return max(usual.values()) / min(usual.values())

    assert soon_below(1.3, alike)


def _refused(app, who, email):
    password = PASSWORD if who == "suspended" else "wrong wrong wrong"
    answer = app.test_client().post(LOGIN, json={"email": email, "password": password})
    body = answer.get_json()
    body["error"].pop("request_id")
    return answer.status_code, body
