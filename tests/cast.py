"""The cast of every test: Acme's and Globex's people, in tenants made for one test module and left behind.

Acme: Dana administers, Carol audits, Cleo curates, Alice and Bob are users, Lee is limited.
Globex: Greta administers, Gus audits, Mallory must see nothing. Petra runs the platform.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

import psycopg
from argon2 import PasswordHasher, Type
from flask import Flask
from sqlalchemy.orm import Session

from onyx.access.people import add_person
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.identity.models import Credential
from onyx.tenancy import migrate

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "acme": {
        "dana": ("Dana Admin", "admin"),
        "carol": ("Carol Auditor", "auditor"),
        "cleo": ("Cleo Curator", "curator"),
        "alice": ("Alice Arden", "user"),
        "bob": ("Bob Byrne", "user"),
        "lee": ("Lee Limited", "limited"),
    },
    "globex": {
        "greta": ("Greta Admin", "admin"),
        "gus": ("Gus Auditor", "auditor"),
        "mallory": ("Mallory Moss", "user"),
    },
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One throw-away tenant."""

    id: UUID
    slug: str
    name: str

    @property
    def schema(self) -> str:
        return f"tenant_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class Person:
    """One of the cast; everybody has the same PASSWORD."""

    id: UUID
    key: str
    name: str
    email: str
    role: str
    tenant: Tenant
    password: str = PASSWORD


@dataclass(slots=True)
class World:
    """Fresh tenants with their people, and Petra: `world.alice`, `world.acme`, `world["alice"]`.

    Acme is there from the start. Making a tenant is most of what a test costs, so that Globex and its people, and
    Petra, come when the test first names one of them.
    """

    acme: Tenant
    platform: Tenant
    app: Flask
    owner_url: str
    mark: str
    people: dict[str, Person] = field(default_factory=dict)
    _globex: Tenant | None = None

    @property
    def globex(self) -> Tenant:
        if self._globex is None:
            self._globex = _tenant(self.owner_url, f"globex-{self.mark}", "Globex")
            self.bring(self._globex, PEOPLE["globex"])
        return self._globex

    def __getitem__(self, key: str) -> Person:
        if key not in self.people:
            if key in PEOPLE["globex"]:
                assert self.globex
            elif key == "petra":
                made = {f"petra-{self.mark}": ("Petra Platform", "platform_admin")}
                self.people["petra"] = self.bring(self.platform, made, known=False)[0]
        return self.people[key]

    def __getattr__(self, key: str) -> Person:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"nobody is called {key}") from None

    def everybody(self) -> list[Person]:
        """All of the cast, those too whom no test has named yet."""
        return [self[key] for key in (*PEOPLE["acme"], *PEOPLE["globex"], "petra")]

    def bring(self, tenant: Tenant, people: dict[str, tuple[str, str]], known: bool = True) -> list[Person]:
        """Have people join a tenant, all in one transaction; they are of this world unless that is not wished."""
        with self.app.app_context(), tenant_scope(tenant.id, "job:provision"), unit_of_work() as session:
            made = [_join(session, tenant, key, name, role) for key, (name, role) in people.items()]
        self.people |= {person.key: person for person in made if known}
        return made


def make_world(app: Flask, owner_url: str) -> World:
    """Provision a tenant and its people, as the command line and provisioning do."""
    mark = os.urandom(4).hex()
    acme = _tenant(owner_url, f"acme-{mark}", "Acme Industries")
    world = World(acme, _platform(owner_url), app, owner_url, mark)
    world.bring(acme, PEOPLE["acme"])
    return world


def join(tenant: Tenant, key: str, name: str, role: str, password_hash: str | None = None) -> Person:
    """Bring a person into a tenant, with the cast's quick hash or one of PASSWORD; needs an app context."""
    with tenant_scope(tenant.id, "job:provision"), unit_of_work() as session:
        return _join(session, tenant, key, name, role, password_hash)


def _join(session: Session, tenant: Tenant, key: str, name: str, role: str, password_hash: str | None = None) -> Person:
    email = f"{key}@{tenant.slug}.example"
    system = Actor(tenant.id, tenant.slug, tenant.name, None, "cast", "cast", kind="system")
    id = add_person(session, system, email=email, name=name, roles=[role], password=None)
    session.add(Credential(user_id=id, password_hash=password_hash or _hash()))
    return Person(id, key, name, email, role, tenant)


@cache
def _hash() -> str:
    """Argon2id is slow on purpose: the cast's one password is hashed once and at the least cost, which its hash names
    to whoever checks it. What the doors store is at the real cost: tests/passwords/test_policy.py.
    """
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID).hash(PASSWORD)


def _tenant(owner_url: str, slug: str, name: str) -> Tenant:
    return Tenant(migrate.provision(owner_url, slug, name), slug, name)


def _platform(owner_url: str) -> Tenant:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute("select id from onyx.tenant where slug = 'platform'").fetchone()
    assert row is not None
    return Tenant(row[0], "platform", "Platform")
