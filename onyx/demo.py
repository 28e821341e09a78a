"""The demo: two organisations with people whose passwords are random, made on the first start only.

Run as `python -m onyx.demo`; refuses to run where PUBLIC_URL says that this is production.
"""

import json
import secrets as random
import sys
from pathlib import Path
from uuid import UUID

import psycopg
from flask import Flask

from onyx.access.people import add_person
from onyx.app import create_app, load_settings
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Conflict
from onyx.core.scope import tenant_scope
from onyx.tenancy import migrate

_PEOPLE: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "platform": ("Platform", [("platform@onyx.example", "Petra Platform", "platform_admin")]),
    "acme": (
        "Acme Industries",
        [
            ("dana@acme.example", "Dana Admin", "admin"),
            ("carol@acme.example", "Carol Auditor", "auditor"),
            ("cleo@acme.example", "Cleo Curator", "curator"),
            ("alice@acme.example", "Alice Arden", "user"),
            ("bob@acme.example", "Bob Byrne", "user"),
            ("lee@acme.example", "Lee Limited", "limited"),
        ],
    ),
    "globex": (
        "Globex",
        [
            ("greta@globex.example", "Greta Admin", "admin"),
            ("gus@globex.example", "Gus Auditor", "auditor"),
            ("mallory@globex.example", "Mallory Moss", "user"),
        ],
    ),
}


def seed(var: Path) -> bool:
    """Make what is missing of the demo and its credentials file; returns whether anything was made."""
    file = var / "demo-credentials.json"
    if file.exists():
        return False
    settings = load_settings()
    if settings.secure_cookies:
        raise SystemExit("The demo is not for production: PUBLIC_URL is set. Use `flask setup` instead.")
    owner_url = settings.database_owner_url or ""
    app = create_app(settings, features=())  # people join by what lies below the features
    draft = file.with_suffix(".part")
    credentials = _draft(draft)
    for slug, (name, people) in _PEOPLE.items():
        tenant = _tenant(owner_url, slug, name)
        for email, person, role in people:
            _person(
                app,
                Actor(tenant, slug, name, None, "demo", "demo", kind="system"),
                email,
                person,
                role,
                credentials[email],
            )
    draft.rename(file)
    return True


def _draft(draft: Path) -> dict[str, str]:
    """Passwords by e-mail, on disk before anybody has one, so that a seed that was killed can go on."""
    if not draft.exists():
        people = [
            {"tenant": slug, "email": email, "password": random.token_urlsafe(15), "role": role}
            for slug, (_, some) in _PEOPLE.items()
            for email, _, role in some
        ]
        draft.touch(0o600)
        draft.write_text(json.dumps(people, indent=2) + "\n")
    return {person["email"]: person["password"] for person in json.loads(draft.read_text())}


def _tenant(owner_url: str, slug: str, name: str) -> UUID:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        row = connection.execute(
            "select id from onyx.tenant where slug = %s and status <> 'provisioning'", [slug]
        ).fetchone()
    return row[0] if row else migrate.provision(owner_url, slug, name)


def _person(app: Flask, actor: Actor, email: str, name: str, role: str, password: str) -> None:
    with app.app_context(), tenant_scope(actor.tenant_id, "job:provision"):
        try:
            with unit_of_work() as session:
                add_person(session, actor, email=email, name=name, roles=[role], password=password)
        except Conflict:
            return  # made by a run that was killed before its end


if __name__ == "__main__":
    made = seed(load_settings().onyx_var)
    sys.stdout.write("demo organisations are ready\n" if made else "demo organisations are there already\n")
