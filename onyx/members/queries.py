"""Reading people: one statement for a page, whatever its length."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.access.held import live, roles_held, until
from onyx.access.policy import MEANING, PURPOSE, Permission, permissions_of
from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.pages import cut
from onyx.core.wire import Fixed
from onyx.identity.models import User, UserRole

# Ids and times as text, ready for answers (RFC 3339: the connection is pinned to ISO and UTC).
_COLUMNS = """
select u.id::text, u.email, u.status, u.created_at::text, p.display_name, p.last_login_at::text,
       p.preferences->>'avatar' as avatar,
       (select string_agg(r.role, ' ' order by r.role) from user_role r
         where r.user_id = u.id and (r.expires_at is null or r.expires_at > now())) as roles
  from app_user u join profile p on p.user_id = u.id
"""
_FIRST = Fixed(f"{_COLUMNS} order by u.id desc limit %s")  # the page that everybody opens


@dataclass(frozen=True, slots=True)
class Filter:
    """Which people; empty parts do not count. `q` looks in e-mails and names."""

    q: str = ""
    role: str = ""
    status: str = ""


def people(session: Session, wanted: Filter, size: int, after: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of people, newest first, and the cursor of the next one."""
    where, values = _conditions(wanted, after)
    statement = f"{_COLUMNS}{where} order by u.id desc limit %s" if where else _FIRST
    found, following = cut(rows(session, statement, *values, size + 1), size, lambda row: str(row[0]))
    return [shown(row) for row in found], following


def person(session: Session, _actor: Actor, user_id: UUID) -> User | None:
    """Somebody of the tenant, with profile and roles (a loader for `requires`)."""
    return session.get(User, user_id)


def shown(row: Any) -> dict[str, Any]:
    """A row of people() as data."""
    id, email, status, created, name, last_login, avatar, roles = row
    return {
        "id": id,
        "email": email,
        "display_name": name,
        "status": status,
        "avatar": avatar,
        "roles": roles.split() if roles else [],
        "created_at": _time(created),
        "last_login_at": _time(last_login),
    }


def _time(text: str | None) -> str | None:
    return text and f"{text[:10]}T{text[11:-3]}Z"


def shown_person(user: User) -> dict[str, Any]:
    """A loaded person in the same words."""
    return {
        "id": user.id,
        "email": user.email,
        "display_name": user.profile.display_name,
        "status": user.status,
        "avatar": user.profile.preferences.get("avatar"),
        "roles": roles_held(user),
        "until": until(user),
        "created_at": user.created_at,
        "last_login_at": user.profile.last_login_at,
    }


def explained(user: User, tenant_slug: str) -> list[dict[str, Any]]:
    """Why somebody may do something: each permission with the roles that give it, and when those end that do."""
    ends = until(user)
    giving = {row.role: _gives(row, tenant_slug) for row in sorted(user.roles, key=lambda row: row.role) if live(row)}
    given = {permission: [role for role, some in giving.items() if permission in some] for permission in Permission}
    return [
        {
            "permission": permission.value,
            "purpose": PURPOSE[permission],
            "meaning": MEANING[permission],
            "through": roles,
            **({"until": some} if (some := {role: ends[role] for role in roles if role in ends}) else {}),
        }
        for permission, roles in given.items()
        if roles
    ]


def _gives(row: UserRole, tenant_slug: str) -> frozenset[str]:
    return permissions_of((row.role,), tenant_slug, row.custom.permissions if row.custom else ())


def headcount(session: Session) -> Any:
    """Active people, administrators, auditors and the suspended, for the first-run checklist."""
    return rows(session, _HEADCOUNT)[0]


_HEADCOUNT = """
select count(*) filter (where status = 'active') as active, count(*) filter (where status = 'suspended') as suspended,
       count(*) filter (where status = 'active' and exists (select 1 from user_role r
             where r.user_id = u.id and r.expires_at is null and r.role in ('admin', 'platform_admin'))) as admins,
       count(*) filter (where status = 'active' and exists (select 1 from user_role r
             where r.user_id = u.id and r.role = 'auditor')) as auditors
  from app_user u
"""


def _conditions(wanted: Filter, after: UUID | None) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if wanted.q:
        parts.append("(position(lower(%s) in u.email) > 0 or position(lower(%s) in lower(p.display_name)) > 0)")
        values += [wanted.q, wanted.q]
    if wanted.status:
        parts.append("u.status = %s")
        values.append(wanted.status)
    if wanted.role:
        parts.append(
            "exists (select 1 from user_role r where r.user_id = u.id and r.role = %s"
            " and (r.expires_at is null or r.expires_at > now()))"
        )
        values.append(wanted.role)
    if after is not None:
        parts.append("u.id < %s")
        values.append(after)
    return (f" where {' and '.join(parts)}" if parts else ""), values
