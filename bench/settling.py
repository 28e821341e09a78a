"""`python -m bench.settling PASSWORD`: one person for each tenant that has none, and a platform administrator."""

import sys

from onyx.access.people import add_person
from onyx.app import create_app
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.state import state
from onyx.identity.models import Credential
from onyx.identity.passwords import hash_password
from onyx.tenancy.listing import Tenant, every_tenant, people_counts


def main(password: str) -> None:
    hashed = hash_password(password)  # slow on purpose: once for all
    with create_app().app_context():
        scope = Scope(state().platform, "platform")
        found = list(every_tenant(scope))
        people = people_counts(scope, [place.id for place in found])
        for place in found:
            if not people.get(place.id):
                _settle(place, hashed)


def _settle(place: Tenant, hashed: str) -> None:
    system = Actor(place.id, place.slug, place.name, None, "bench", "bench", kind="system")
    role = "platform_admin" if place.slug == "platform" else "admin"
    with tenant_scope(place.id, "job:provision"), unit_of_work() as session:
        email = f"owner@{place.slug}.example"
        id = add_person(session, system, email=email, name="Owner", roles=[role], password=None)
        session.add(Credential(user_id=id, password_hash=hashed))


if __name__ == "__main__":
    main(sys.argv[1])
