"""What tests of two things at once share: a transaction that is held open by hand, and requests that wait for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from onyx.access.new_password import hashed
from onyx.core.db import unit_of_work
from onyx.core.scope import current_scope, tenant_scope
from onyx.identity import tickets, tokens
from onyx.passwords import service as passwords
from tests.cast import PASSWORD
from tests.waiting import until

ME, LOGIN = "/api/v1/users/me", "/api/v1/auth/login"
NEW = "seven quiet lighthouses at dusk"


@pytest.fixture
def meanwhile(owner):
    """Begin things in threads: goes on when each waits for a lock that the test holds, or is done. Call the result for
    what they told, the only one's itself."""
    begun = []

    def begin(*works):
        heard = {}
        threads = [threading.Thread(target=lambda n=n: heard.setdefault(n, works[n]())) for n in range(len(works))]
        begun.extend(threads)
        for thread in threads:
            thread.start()
        waiting = (
            "select count(distinct pid) from pg_locks where not granted and locktype in ('transactionid', 'tuple')"
        )
        until(lambda: len(heard) + owner.execute(waiting).fetchone()[0] >= len(works), pause=0.005)

        def result():
            for thread in threads:
                thread.join()
            return heard[0] if len(works) == 1 else [heard[n] for n in range(len(works))]

        return result

    yield begin
    for thread in begun:
        thread.join()


@pytest.fixture
def as_signed_in(app, world):
    """A transaction of the cast in the login session of a client, or of `nobody` (who has none): commits at the end."""

    @contextmanager
    def hold(name, purpose, client=None):
        session_id = None
        if client is not None:
            session_id = tokens.read(client.token or client.get_cookie("onyx_session").value).session
        person = world[name]
        with (
            app.app_context(),
            tenant_scope(person.tenant.id, purpose, person.id, session_id),
            unit_of_work() as session,
        ):
            yield session

    return hold


@pytest.fixture
def reset_of(as_signed_in, actor_of):
    """A reset by link of somebody, redeemed and not yet committed."""

    @contextmanager
    def hold(name, token):
        with as_signed_in(name, "auth") as session:
            new = hashed(current_scope(), NEW)
            passwords.redeem(session, actor_of(name), tickets.digest(token), new)
            yield session

    return hold


def told(answer):
    error = answer.get_json().get("error") or {}
    return answer.status_code, error.get("reason") or error.get("code")


def ask(app, token):
    client = app.test_client()
    client.token = token
    return told(client.get(ME))


def login(app, person, password=PASSWORD, **more):
    return app.test_client().post(LOGIN, json={"email": person.email, "password": password, **more})


def alive(owner, person):
    asked = f"select count(*) from {person.tenant.schema}.login_session where user_id = %s and state = 'active'"
    return owner.execute(asked, [person.id]).fetchone()[0]
