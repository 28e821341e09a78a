"""Recovery codes: ten, shown once, each good for one sign-in when authenticator and passkeys are out of reach."""

import base64
import os
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.secrets import digest

COUNT = 10
_LENGTH = 16


def renew(session: Session, user: UUID) -> list[str]:
    """Ten new codes of 80 random bits, in place of all former ones; the only time that they are readable."""
    codes = [base64.b32encode(os.urandom(10)).decode().lower() for _ in range(COUNT)]
    forget(session, user)
    for code in codes:
        statement = "insert into recovery_code (user_id, digest) values (%s, %s)"
        session.connection().exec_driver_sql(statement, (user, _digest(user, code)))
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def take(session: Session, user: UUID, code: str) -> bool:
    """Whether this is one of the person's unused codes; uses it up. One statement, so that one of many wins."""
    plain = "".join(code.lower().split()).replace("-", "")
    if len(plain) != _LENGTH or not plain.isascii():
        return False
    statement = (
        "update recovery_code set used_at = now() where user_id = %s and digest = %s and used_at is null returning 1"
    )
    return bool(rows(session, statement, user, _digest(user, plain)))


def left(session: Session, user: UUID) -> int:
    """How many codes are unused."""
    return int(rows(session, "select count(*) from recovery_code where user_id = %s and used_at is null", user)[0][0])


def forget(session: Session, user: UUID) -> None:
    """Take all codes of a person away."""
    session.connection().exec_driver_sql("delete from recovery_code where user_id = %s", (user,))


def _digest(user: UUID, code: str) -> bytes:
    return digest("recovery_code", f"{user.hex}:{code}")
