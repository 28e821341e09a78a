"""Time-based codes (RFC 6238): six digits, half a minute, one step of tolerance either way, each step good for once."""

import io
import time
from hmac import compare_digest
from uuid import UUID

import pyotp
import segno
import structlog
from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.tenancy.sealed import seal, unseal

_log = structlog.get_logger()
STEP = 30
ISSUER = "Onyx"
USE = "totp"

_BEGIN = """
insert into totp (user_id, sealed_secret) values (%s, %s)
on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, created_at = now()
 where totp.confirmed_at is null
returning 1
"""
_SECRET = "select sealed_secret, last_step from totp where user_id = %s and (confirmed_at is null) = %s"
# The step is taken by one statement: of two requests with the same code one finds it used (RFC 6238, section 5.2).
_TAKE = "update totp set last_step = %s where user_id = %s and confirmed_at is not null and last_step < %s returning 1"
_CONFIRM = """
update totp set confirmed_at = now(), last_step = %s where user_id = %s and confirmed_at is null returning 1
"""


def begin(session: Session, tenant: UUID, user: UUID) -> str | None:
    """A new secret that waits for its first code; None when the person has a confirmed one. Purpose `auth`."""
    secret = pyotp.random_base32()
    hidden = seal(USE, secret.encode(), user.bytes, tenant=tenant)
    return secret if rows(session, _BEGIN, user, hidden) else None


def confirm(session: Session, tenant: UUID, user: UUID, code: str) -> bool:
    """Put the waiting secret in force if the code is right; that code opens nothing any more."""
    step = _step_of(session, tenant, user, code, waiting=True)
    return step is not None and bool(rows(session, _CONFIRM, step, user))


def take(session: Session, tenant: UUID, user: UUID, code: str) -> bool:
    """Whether the code is right and its step was not used before; uses it."""
    step = _step_of(session, tenant, user, code, waiting=False)
    return step is not None and bool(rows(session, _TAKE, step, user, step))


def address(secret: str, email: str, tenant_name: str) -> str:
    """The otpauth:// address for an authenticator app (Key Uri Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"{ISSUER} {tenant_name}".strip())


def qr_code(text: str) -> str:
    """The text as a QR code in SVG, dark on white whatever the page's theme."""
    sink = io.BytesIO()
    segno.make(text, error="m").save(sink, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False)
    return sink.getvalue().decode()


def _step_of(session: Session, tenant: UUID, user: UUID, code: str, waiting: bool) -> int | None:
    """The first unused step around now whose code this is."""
    found = rows(session, _SECRET, user, waiting)
    if not found or not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    try:
        secret = unseal(USE, bytes(found[0].sealed_secret), user.bytes, tenant=tenant).decode()
    except ValueError:
        _log.error("a sealed secret does not open: it was changed or moved", tenant=str(tenant), user=str(user))
        return None
    generator, now = pyotp.TOTP(secret), int(time.time()) // STEP
    steps = [step for step in (now - 1, now, now + 1) if compare_digest(generator.generate_otp(step), code)]
    return next((step for step in steps if step > found[0].last_step), None)
