"""The platform's people in somebody else's tenant: told apart in its trail, with none of its people's rights (F24)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope


@contextmanager
def visiting(actor: Actor, tenant: UUID, slug: str, name: str) -> Iterator[tuple[Session, Actor]]:
    """A unit of work in a tenant for purpose `platform`, with the visitor as its trail will show them."""
    kind = "platform" if actor.for_a_person else actor.kind
    visitor = replace(actor, tenant_id=tenant, tenant_slug=slug, tenant_name=name, kind=kind)
    with tenant_scope(tenant, "platform", actor.user_id, actor.session_id), unit_of_work() as session:
        yield session, visitor
