"""Those who ask: clients, actors and units of work of the cast; fixtures of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.cast import World


class Caller(FlaskClient):
    """A test client that presents its `token`, as bearer or (with the CSRF token) by cookie."""

    token: str | None = None
    csrf: str | None = None
    signed_in: dict[str, Any] | None = None

    def open(self, *args: Any, **more: Any) -> Any:
        headers = dict(more.pop("headers", None) or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.csrf and "X-CSRF-Token" not in headers:
            headers["X-CSRF-Token"] = self.csrf
        return super().open(*args, headers=headers, **more)


@pytest.fixture
def sign_in(app: Flask, world: World) -> Callable[..., dict[str, Any]]:
    """Sign in through the front door: `sign_in("alice")["token"]`; the answer's `data`."""

    def open_session(name: str, **more: Any) -> dict[str, Any]:
        person = world[name]
        sent = {"email": person.email, "password": person.password, **more}
        answer = app.test_client().post("/api/v1/auth/login", json=sent)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.get_json()["data"]
        return data

    return open_session


@pytest.fixture
def client_of(app: Flask, sign_in: Callable[..., dict[str, Any]]) -> Callable[..., Caller]:
    """A client of one of the cast, freshly signed in: `client_of("alice")`.

    By bearer, or `by="cookie"` as a browser does, with the CSRF token on each request unless `csrf=False`.
    `client_of(None)` is nobody's. `client.token`, `client.signed_in` tell of the session.
    """

    def client(name: str | None, by: str = "bearer", csrf: bool = True) -> Caller:
        from uuid import UUID

        from onyx.edge.csrf import csrf_token

        made: Any = app.test_client()
        if name is not None:
            made.signed_in = sign_in(name)
            if by == "bearer":
                made.token = made.signed_in["token"]
            else:
                made.set_cookie("onyx_session", made.signed_in["token"])
                made.csrf = csrf_token(UUID(made.signed_in["session_id"])) if csrf else None
        return made

    return client


@pytest.fixture
def actor_of(world: World) -> Callable[..., Any]:
    """The actor that one of the cast would be in a request, without a login session."""
    from onyx.access.policy import permissions_of
    from onyx.core.actor import Actor

    def actor(name: str) -> Actor:
        person = world[name]
        tenant, roles = person.tenant, (person.role,)
        permissions = permissions_of(roles, tenant.slug)
        return Actor(tenant.id, tenant.slug, tenant.name, person.id, person.email, person.name, roles, permissions)

    return actor


@pytest.fixture
def session_of(app: Flask, world: World) -> Callable[..., AbstractContextManager[Session]]:
    """A unit of work of one of the cast: `with session_of("alice") as session:`; commits at the end."""
    from onyx.core.db import unit_of_work
    from onyx.core.scope import tenant_scope

    @contextmanager
    def open_one(name: str, purpose: str = "member") -> Iterator[Session]:
        person = world[name]
        with app.app_context(), tenant_scope(person.tenant.id, purpose, person.id), unit_of_work() as session:
            yield session

    return open_one
