"""A person's second factors together: what they have, and whether what they show is right."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows

from . import passkeys, recovery, totp

_HELD = """
select (select confirmed_at from totp where user_id = %s) as totp,
       (select count(*) from passkey where user_id = %s) as passkeys,
       (select count(*) from recovery_code where user_id = %s and used_at is null) as codes
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Which factors a person has; recovery codes are a way in, not a factor."""

    totp: bool
    passkeys: int
    codes: int

    @property
    def any(self) -> bool:
        return self.totp or self.passkeys > 0

    @property
    def methods(self) -> list[str]:
        """What the person can be asked for, the best first."""
        given = (("passkey", self.passkeys > 0), ("totp", self.totp), ("recovery_code", self.any and self.codes > 0))
        return [name for name, there in given if there]


def held(session: Session, user: UUID) -> Held:
    """The person's factors; purpose `auth`."""
    row = rows(session, _HELD, user, user, user)[0]
    return Held(row.totp is not None, row.passkeys, row.codes)


def take_code(session: Session, tenant: UUID, user: UUID, code: str) -> str | None:
    """How a typed code proves who somebody is: "totp", "recovery_code", or None when it is wrong or used."""
    plain = code.strip()
    digits = plain.replace(" ", "")
    if totp.take(session, tenant, user, digits):
        return "totp"
    return "recovery_code" if recovery.take(session, user, plain) else None


def take(
    session: Session, tenant: UUID, user: UUID, site: passkeys.Site, nonce: bytes, code: str | None, signed: Any
) -> str | None:
    """The method by which a code or a passkey's answer proves who somebody is; None when it does not."""
    if signed is not None:
        return "passkey" if passkeys.take(session, site, user, nonce, signed) else None
    return take_code(session, tenant, user, code or "")


def remove_all(session: Session, user: UUID) -> int:
    """Take every factor and code of a person away; returns how many factors there were."""
    run = session.connection().exec_driver_sql
    gone = run("delete from totp where user_id = %s and confirmed_at is not null", (user,)).rowcount
    gone += run("delete from passkey where user_id = %s", (user,)).rowcount
    run("delete from totp where user_id = %s", (user,))
    recovery.forget(session, user)
    return gone
