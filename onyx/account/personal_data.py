"""Everything that is kept about a person, as a ZIP of JSON files and their own files (C11), read as purpose `member`."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows
from onyx.identity import avatars
from onyx.tenancy.sealed import FILE, unseal

BATCH = 200
_IN_MEMORY = 4 * 1024 * 1024
_FIRST = UUID(int=0)
# Each reads on from an id; RLS and the statement itself keep to the person's own rows.
PARTS = {
    "projects": "select id, name, created_at from project where user_id = %s and id > %s order by id limit %s",
    "chats": "select id, project_id, title, is_active, created_at, updated_at, last_message_at from chat_session"
    " where user_id = %s and id > %s order by id limit %s",
    "chats_set_aside": "select * from own_chats_set_aside(%s, %s, %s)",
    "messages": "select id, chat_session_id, seq, parent_id, role, status, content, token_count, metadata, created_at"
    " from chat_message where user_id = %s and id > %s order by id limit %s",
    "files": "select id, project_id, name, media_type, size, encode(sha256, 'hex') as sha256, created_at from user_file"
    " where user_id = %s and id > %s order by id limit %s",
    "login_sessions": "select id, state, end_reason, created_at, last_seen_at, ended_at, expires_at, ip, user_agent, device"
    " from login_session where user_id = %s and id > %s order by id limit %s",
    "api_keys": "select id, name, permissions, created_at, expires_at, last_used_at, revoked_at from api_key"
    " where user_id = %s and id > %s order by id limit %s",
    "trail": "select event_id as id, occurred_at, action, outcome, reason, targets, changes, details, request, session_id"
    " from audit_event where actor_id = %s and event_id > %s order by event_id limit %s",
}
_PROFILE = """
select u.id, u.email, u.status, u.created_at, p.display_name, p.preferences, p.last_login_at
  from app_user u join profile p on p.user_id = u.id where u.id = %s
"""
_READS = "select id, name, owner_name from shared_projects()"
_READ_BY = """
select p.id, r.name, r.added_at from project p, lateral project_readers(p.id) r where p.user_id = %s order by p.id, r.id
"""
_CONTENT = "select id, content, sealed from user_file where user_id = %s and id = %s"


def collected(session: Session, actor: Actor) -> IO[bytes]:
    """The ZIP, rewound; beyond 4 MiB it lies on disk, without a name, and goes when it is closed."""
    made: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README.format(moment=rfc3339(now()), email=actor.email))
        archive.writestr("profile.json", _json(_profile(session, actor)))
        for name, statement in PARTS.items():
            with archive.open(f"{name}.jsonl", "w") as part:
                for row in _all(session, actor, statement):
                    part.write(_json(row._asdict()))
        _files(session, actor, archive)
        _picture(session, actor, archive)
    made.seek(0)
    return made


_README = """Everything that Onyx keeps about {email}, as of {moment}.

profile.json     who you are here, with roles, settings and who reads projects
*.jsonl          one JSON object on each line; trail.jsonl is what you did, as auditors see it; chats_set_aside.jsonl are
                 chats beyond your organisation's retention, which are deleted a week after set_aside_at
files/           your files as you uploaded their text
picture.*        the picture that you show of yourself, if you do

Not in here: password hashes, secrets of second factors and API keys, which are of use to nobody but a thief.
"""


def _profile(session: Session, actor: Actor) -> dict[str, Any]:
    row = rows(session, _PROFILE, actor.user_id)[0]
    return {
        **row._asdict(),
        "roles": list(actor.roles),
        "organisation": actor.tenant_name,
        "reads_projects": [one._asdict() for one in rows(session, _READS)],
        "projects_read_by_others": [one._asdict() for one in rows(session, _READ_BY, actor.user_id)],
    }


def _files(session: Session, actor: Actor, archive: zipfile.ZipFile) -> None:
    for row in _all(session, actor, PARTS["files"]):
        found = rows(session, _CONTENT, actor.user_id, row.id)
        if not found:
            continue
        name = f"files/{row.id}/{row.name}"
        try:
            archive.writestr(name, _plain_content(actor, found[0]))
        except ValueError:  # its key is lost: the person is told, and gets the rest
            archive.writestr(f"{name}.cannot-be-opened.txt", "The key of this file is lost.\n")


def _plain_content(actor: Actor, row: Any) -> bytes:
    if row.sealed is None:
        return str(row.content).encode()
    return unseal(FILE, bytes(row.sealed), row.id.bytes, tenant=actor.tenant_id, user=actor.user_id)


def _picture(session: Session, actor: Actor, archive: zipfile.ZipFile) -> None:
    found = avatars.of(session, actor.user_id) if actor.user_id else None
    if found is not None:
        archive.writestr(f"picture.{found.media_type.partition('/')[2]}", bytes(found.content))


def _all(session: Session, actor: Actor, statement: str) -> Iterator[Any]:
    after = _FIRST
    while found := rows(session, statement, actor.user_id, after, BATCH):
        yield from found
        after = found[-1].id


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, default=_plain) + "\n").encode()


def _plain(value: Any) -> Any:
    return rfc3339(value) if hasattr(value, "isoformat") else str(value)
