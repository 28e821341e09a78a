"""Between rows that were loaded and a tenant that lives: what must not be carried over as it was."""

import json
from typing import Any
from uuid import UUID

from psycopg import sql

from onyx.core.errors import Invalid
from onyx.core.ids import uuid7
from onyx.core.secrets import email_digest
from onyx.tenancy.context import schema_of
from onyx.tenancy.settings import checked, of

from .aim import Aim
from .frames import Damaged
from .load import Loaded
from .sides import Sides
from .tables import Connection

# Nobody is signed in, no letter is sent a second time, no link opens anything, an invitation that was withdrawn
# since does not come back.
_QUIET = (
    "delete from {}.invitation where %(reason)s <> ''",
    "update {}.login_session set state = 'revoked', end_reason = %(reason)s, ended_at = now() where state = 'active'",
    "update {}.outgoing_mail set state = 'dropped', finished_at = now() where state = 'waiting' and %(reason)s <> ''",
    "update {}.password_reset set used_at = now() where used_at is null and %(reason)s <> ''",
    "update {}.factor_challenge set used_at = now() where used_at is null and %(reason)s <> ''",
)
_PROGRAMS = "update {}.api_key set revoked_at = now() where revoked_at is null"

# Sessions that are open now end with a reason of their own, and a key that was revoked since stays revoked.
_KEEP = (
    "insert into {new}.login_session ({columns}) select {columns} from {old}.login_session o where state = 'active'"
    " and exists (select from {new}.app_user u where u.id = o.user_id) on conflict do nothing",
    "update {new}.api_key k set revoked_at = o.revoked_at from {old}.api_key o"
    " where o.user_id = k.user_id and o.id = k.id and k.revoked_at is null and o.revoked_at is not null",
)


def quiet(home: Connection, tenant: UUID, reason: str, programs: bool) -> None:
    """End what was open when the archive was written; `programs`: API keys too, as in a copy."""
    schema = sql.Identifier(schema_of(tenant))
    for statement in (*_QUIET, *((_PROGRAMS,) if programs else ())):
        home.execute(sql.SQL(statement).format(schema), {"reason": reason} if "%(" in statement else None)


def keep_ended(home: Connection, old: str, new: str) -> None:
    """Carry over from the schema that goes what must not be undone by what comes."""
    rows = home.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        " and attgenerated = ''",
        [f"{new}.login_session"],
    )
    columns = sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)
    for statement in _KEEP:
        home.execute(sql.SQL(statement).format(new=sql.Identifier(new), old=sql.Identifier(old), columns=columns))


def enrol(main: Connection, aim: Aim, loaded: Loaded) -> None:
    """The new organisation's line among the others; it is seen with the commit. Raises Damaged for its settings."""
    settings = settings_of(loaded.settings, aim.own)
    main.execute(
        "insert into onyx.tenant (id, slug, name, status, settings, node) values (%s, %s, %s, 'active', %s::jsonb, %s)",
        [aim.tenant, aim.slug, loaded.header["tenant"]["name"].strip(), settings, aim.node],
    )


def settings_of(said: Any, own: bool) -> str:
    """An archive's settings as JSON: of this installation those that still hold, of another one all or none.

    Raises Damaged, with what is wrong.
    """
    if not isinstance(said, dict):
        raise Damaged("The archive's settings are not what Onyx writes.")
    try:
        found = of(said) if own else checked(said)
    except Invalid as error:
        told = "; ".join(f"{name}: {why}" for name, why in (error.fields or {}).items())
        raise Damaged(f"The archive's settings cannot be used here. {told}") from None
    kept = found.model_dump(mode="json", exclude_unset=True)
    return json.dumps({name: value for name, value in kept.items() if value is not None})


def directory(both: Sides, tenant: UUID) -> None:
    """Where its people sign in. Digests are keyed: those of another installation are made anew from the addresses."""
    users = sql.Identifier(schema_of(tenant), "app_user")
    digests, changed = [], []
    for id, email, digest in both.home.execute(sql.SQL("select id, email, email_digest from {}").format(users)):
        digests.append((email_digest(email), tenant))
        if digests[-1][0] != bytes(digest):
            changed.append((digests[-1][0], id))
    with both.home.cursor() as cursor:
        cursor.executemany(sql.SQL("update {} set email_digest = %s where id = %s").format(users), changed)
    both.main.execute("delete from onyx.directory where tenant_id = %s", [tenant])
    with both.main.cursor().copy("copy onyx.directory (email_digest, tenant_id) from stdin") as copy:
        for line in digests:
            copy.write_row(line)


def tell(main: Connection, tenant: UUID, reason: str) -> UUID:
    """Every process asks anew about this tenant, and believes no cached session from before, whatever becomes of us.

    Returns the notice's id.
    """
    notice = uuid7()
    main.execute(
        "insert into onyx.revocation (id, tenant_id, kind, subject_id, reason) values (%s, %s, 'tenant', %s, %s)",
        [notice, tenant, tenant, reason],
    )
    main.execute("update onyx.cache_generation set generation = generation + 1")
    main.execute(
        "insert into onyx.due (tenant_id, job, due_at) select %s, j, now() from unnest(%s::text[]) as j"
        " on conflict (job, tenant_id) do update set due_at = now()",
        [tenant, ["keys", "replies", "seals", "sessions"]],
    )
    return notice
