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
from flask import Flask

from onyx.access.people import add_person
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.identity.models import Credential
from onyx.identity.passwords import hash_password
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


@dataclass(frozen=True, slots=True)
class World:
    """Two fresh tenants with their people, and Petra: `world.alice`, `world.acme`, `world["alice"]`."""

    acme: Tenant
    globex: Tenant
    platform: Tenant
    people: dict[str, Person] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Person:
        return self.people[key]

    def __getattr__(self, key: str) -> Person:
        try:
            return self.people[key]
        except KeyError:
            raise AttributeError(f"nobody is called {key}") from None


def make_world(app: Flask, owner_url: str) -> World:
    """Provision two tenants and their people, as the command line and provisioning do."""
    mark = os.urandom(4).hex()
    acme = _tenant(owner_url, f"acme-{mark}", "Acme Industries")
    globex = _tenant(owner_url, f"globex-{mark}", "Globex")
    platform = _platform(owner_url)
    world = World(acme, globex, platform)
    with app.app_context():
        for tenant, people in ((acme, PEOPLE["acme"]), (globex, PEOPLE["globex"])):
            for key, (name, role) in people.items():
                world.people[key] = join(tenant, key, name, role)
        world.people["petra"] = join(platform, f"petra-{mark}", "Petra Platform", "platform_admin")
    return world


def join(tenant: Tenant, key: str, name: str, role: str) -> Person:
    """Bring a person into a tenant; needs an app context."""
    email = f"{key}@{tenant.slug}.example"
    system = Actor(tenant.id, tenant.slug, tenant.name, None, "cast", "cast", kind="system")
    with tenant_scope(tenant.id, "job:provision"), unit_of_work() as session:
        id = add_person(session, system, email=email, name=name, roles=[role], password=None)
        session.add(Credential(user_id=id, password_hash=_hash()))
    return Person(id, key, name, email, role, tenant)


@cache
def _hash() -> str:
    """Argon2id is slow on purpose, so the cast's one password is hashed once."""
    return hash_password(PASSWORD)


def _tenant(owner_url: str, slug: str, name: str) -> Tenant:
    return Tenant(migrate.provision(owner_url, slug, name), slug, name)


def _platform(owner_url: str) -> Tenant:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute("select id from onyx.tenant where slug = 'platform'").fetchone()
    assert row is not None
    return Tenant(row[0], "platform", "Platform")
