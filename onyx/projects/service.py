"""Changes of projects (making one lies in onyx.access.projects, since a first message may do so too)."""

from typing import Any

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.db import rows

_RENAME = "update project set name = %s where user_id = %s and id = %s returning id, name, created_at"
_REMOVE = "delete from project where user_id = %s and id = %s returning id"


def rename(session: Session, actor: Actor, project: Any, *, name: str) -> Any:
    """Give a project another name."""
    if name == project.name:
        return project
    changed = rows(session, _RENAME, name, actor.user_id, project.id)[0]
    told = [change("name", project.name, name)]
    record(session, actor, Action.PROJECT_RENAMED, target("project", project.id), changes=told)
    return changed


def remove(session: Session, actor: Actor, project: Any) -> None:
    """Delete a project; its chats and files stay, outside any project."""
    rows(session, _REMOVE, actor.user_id, project.id)
    record(session, actor, Action.PROJECT_DELETED, target("project", project.id))
