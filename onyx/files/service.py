"""Changes of files: the file, its passages and the event together."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.projects import must_be_own
from onyx.access.quotas import kept
from onyx.assistant.sentences import passages
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.ids import uuid7
from onyx.tenancy.sealed import FILE, seal

from .reading import clean_name, media_type, text_of

_ADD = """
insert into user_file (user_id, id, project_id, name, media_type, size, sha256, sealed)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id, project_id, name, media_type, size, created_at
"""
_ADD_PASSAGES = """
insert into file_passage (user_id, file_id, ordinal, content)
select %s, %s, p.ordinal, p.content from unnest(%s::text[]) with ordinality as p(content, ordinal)
"""
_REMOVE = "delete from user_file where user_id = %s and id = %s returning id"


def upload(session: Session, actor: Actor, *, name: str | None, raw: bytes, project_id: UUID | None = None) -> Any:
    """Keep a text file and its passages. Raises Invalid, NotFound for a project that is not the person's own, or
    StorageQuotaReached.
    """
    must_be_own(session, actor, project_id)
    clean = clean_name(name)
    kind = media_type(clean)
    text = text_of(raw)
    id = uuid7()
    hidden = seal(FILE, text.encode(), id.bytes, tenant=actor.tenant_id, user=actor.user_id)
    values = (actor.user_id, id, project_id, clean, kind, len(raw), sha256(raw).digest(), hidden)
    made = kept(session, _ADD, *values)[0]
    session.connection().exec_driver_sql(_ADD_PASSAGES, (actor.user_id, made.id, passages(text)))
    record(session, actor, Action.FILE_UPLOADED, target("file", made.id), size=made.size, media_type=kind)
    return made


def opened_by_another(session: Session, actor: Actor, file: Any) -> None:
    """That somebody read a colleague's file: another person's data (A3)."""
    record(session, actor, Action.FILE_OPENED, target("file", file.id))


def remove(session: Session, actor: Actor, file: Any) -> None:
    """Delete a file; from then on no answer quotes it."""
    rows(session, _REMOVE, actor.user_id, file.id)
    record(session, actor, Action.FILE_DELETED, target("file", file.id))
