"""A person's projects: what chats and files hang in, so that both can check and make one (C8)."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.errors import NotFound
from onyx.core.ids import uuid7
from onyx.core.wire import Fixed

_ONE = Fixed("select id, name, created_at from project where user_id = %s and id = %s")
_CREATE = Fixed("insert into project (user_id, id, name) values (%s, %s, %s) returning id, name, created_at")


def project(session: Session, actor: Actor, project_id: UUID) -> Any | None:
    """One of the person's own projects (a loader for `requires`)."""
    found = rows(session, _ONE, actor.user_id, project_id)
    return found[0] if found else None


def must_be_own(session: Session, actor: Actor, project_id: UUID | None) -> UUID | None:
    """The id, when it is none or of an own project. Raises NotFound for any other."""
    if project_id is not None and project(session, actor, project_id) is None:
        raise NotFound()
    return project_id


def create_project(session: Session, actor: Actor, *, name: str) -> Any:
    """A new project of the person's own: its row (id, name, created_at)."""
    made = rows(session, _CREATE, actor.user_id, uuid7(), name)[0]
    record(session, actor, Action.PROJECT_CREATED, target("project", made.id))
    return made
