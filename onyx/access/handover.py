"""Nobody's work is lost when a colleague leaves: projects that others read are handed over before the person goes (T5).

In two steps. First the files are sealed anew for the receiver, beside the old ones, by purpose `job:transfer`; what a
kill leaves there is used or replaced by the next try. Then, in the transaction that deletes the person, the projects
change hands: until it commits nothing is different for anybody. Only what others read already is ever handed over;
migrations/tenant/0034 sees to that itself, whoever asks.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.actor import Actor
from onyx.core.db import rows, unit_of_work
from onyx.core.errors import Conflict, NotFound
from onyx.core.scope import tenant_scope
from onyx.identity.models import User
from onyx.tenancy.sealed import FILE, seal, unseal

from .held import EXTRA, ROLES, permissions_held
from .policy import Permission, permissions_of

PURPOSE = "job:transfer"
BATCH = 10
MOST_CANDIDATES = 100
_FIRST = UUID(int=0)
_STALE = "delete from file_handover where user_id = %s and (receiver_id <> %s or made_at < now() - interval '1 hour')"
_NEXT = "select id, sealed, source from files_to_hand_over(%s, %s, %s)"
_PUT = """
insert into file_handover (user_id, file_id, receiver_id, source, sealed) values (%s, %s, %s, %s, %s)
on conflict (user_id, file_id) do update set receiver_id = excluded.receiver_id, source = excluded.source,
    sealed = excluded.sealed, made_at = now()
"""
_SHARES = "select project_id, members, files, file_bytes from person_shares(%s)"
_PEOPLE = """
select u.id, u.email, p.display_name as name from app_user u join profile p on p.user_id = u.id where u.id = any(%s)
"""
_CANDIDATES = f"""
select u.id, u.email, p.display_name as name, u.id = any(%s) as reads, {ROLES}, {EXTRA}
  from app_user u join profile p on p.user_id = u.id
 where u.status = 'active' and u.id <> %s and (u.id = any(%s) or u.id is distinct from %s)
 order by u.id = any(%s) desc, lower(p.display_name), u.id limit %s
"""
_REFUSED = {
    "receiver": "Whoever should receive the projects is not here any more, or is suspended. Choose somebody else.",
    "asker": "You would come by files that you cannot read now. Choose one of those who read them.",
    "sealing": "A file was added or changed at this moment. Nothing was done; try again.",
}


def would_lose(session: Session, actor: Actor, user: User) -> dict[str, Any]:
    """What others would lose with a person: purpose `admin` learns who reads how much, no names of projects or files.

    `candidates` may receive it: people who read some of it first, at most a hundred; the actor is among them only when
    they read all of it.
    """
    shares = rows(session, _SHARES, user.id)
    if not shares:
        return {"projects": [], "candidates": []}
    members = {id for share in shares for id in share.members}
    of_all = list(members.intersection(*(share.members for share in shares)))
    known = {
        row.id: {"id": row.id, "name": row.name, "email": row.email} for row in rows(session, _PEOPLE, list(members))
    }
    found = rows(session, _CANDIDATES, list(members), user.id, of_all, actor.user_id, list(members), MOST_CANDIDATES)
    return {
        "projects": [
            {
                "id": share.project_id,
                "members": [known[id] for id in share.members if id in known],
                "files": share.files,
                "file_bytes": share.file_bytes,
            }
            for share in shares
        ],
        "candidates": [
            {"id": row.id, "name": row.name, "email": row.email, "reads": row.reads}
            for row in found
            if Permission.CHAT_USE in permissions_of(row.roles, actor.tenant_slug, row.extra)
        ],
    }


def must_be_able_to_receive(session: Session, actor: Actor, user: User, receiver_id: UUID | None) -> UUID:
    """The receiver's id. Raises NotFound for an unknown one (None), Conflict for who cannot go on with a project: the
    person themself, somebody suspended, somebody who has none (an auditor).
    """
    receiver = session.get(User, receiver_id) if receiver_id else None
    if receiver is None:
        raise NotFound("There is nobody by that id who could receive anything.")
    if receiver.id == user.id:
        raise Conflict("Whoever is deleted cannot receive what is theirs.")
    if receiver.status != "active":
        raise Conflict("Whoever is suspended cannot receive anything. Choose somebody else.")
    if Permission.CHAT_USE not in permissions_held(receiver, actor.tenant_slug):
        raise Conflict("This person's roles let them have no projects. Choose somebody else.")
    return receiver.id


def prepare(actor: Actor, person: UUID, receiver: UUID) -> int:
    """Seal the files of a person that others read for a receiver, beside the old ones; returns how many were sealed.

    Commits batch by batch, and changes nothing for anybody. Raises Conflict for a file whose key is lost.
    """
    done, after = 0, _FIRST
    with tenant_scope(actor.tenant_id, PURPOSE, person):
        with unit_of_work() as session:
            rows(session, f"{_STALE} returning file_id", person, receiver)
        while True:
            with unit_of_work() as session:
                found = rows(session, _NEXT, receiver, after, BATCH)
                for row in found:
                    hidden = _for_receiver(actor, person, receiver, row)
                    rows(session, f"{_PUT} returning file_id", person, row.id, receiver, row.source, hidden)
            done += len(found)
            if len(found) < BATCH:
                return done
            after = found[-1].id


def _for_receiver(actor: Actor, person: UUID, receiver: UUID, row: Any) -> bytes:
    try:
        plain = unseal(FILE, bytes(row.sealed), row.id.bytes, tenant=actor.tenant_id, user=person)
    except ValueError:
        raise Conflict("A file that others read does not open any more, so that it cannot be handed over.") from None
    return seal(FILE, plain, row.id.bytes, tenant=actor.tenant_id, user=receiver)


def transfer(session: Session, actor: Actor, user: User, receiver: UUID) -> list[UUID]:
    """Give all projects of a person that others read to a receiver, after prepare(); the ids of the projects.

    Raises Conflict when the receiver is gone or suspended meanwhile, when the actor would come by what they cannot
    read, or when a file came meanwhile: nothing was done then.
    """
    try:
        found = rows(session, "select project_id, files from transfer_projects(%s, %s)", user.id, receiver)
    except DBAPIError as error:
        raise _in_words(error) from None
    for row in found:
        told = [change("user_id", str(user.id), str(receiver))]
        record(session, actor, Action.PROJECT_TRANSFERRED, target("project", row.project_id), target("user", receiver),
               changes=told, files=row.files)  # fmt: skip
    return [row.project_id for row in found]


def _in_words(error: DBAPIError) -> Exception:
    """What was in the way, by the message of SQLSTATE ON003."""
    if getattr(error.orig, "sqlstate", None) != "ON003":
        return error
    return Conflict(_REFUSED[str(getattr(getattr(error.orig, "diag", None), "message_primary", ""))])
