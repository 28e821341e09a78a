"""Session tokens: a JWT (RFC 7519) signed with HS256, known to the server only by its SHA-256."""

import hashlib
import os
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import jwt
from jwt.types import Options

from onyx.core.ids import parse_id
from onyx.core.secrets import derive


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says; whether its session still lives is asked elsewhere.

    Of an API key (`by_key`), `session` is the key's id: what ends a login session ends a key in the same way.
    """

    user: UUID
    tenant: UUID
    session: UUID
    expires: int
    by_key: bool = False


def issue(user: UUID, tenant: UUID, session: UUID, expires_at: datetime) -> str:
    """A new token. `exp` is the absolute end of the session; idle time is kept on the server."""
    claims = {
        "sub": user.hex,
        "tid": tenant.hex,
        "sid": session.hex,
        "exp": int(expires_at.timestamp()),
        "jti": os.urandom(9).hex(),
    }
    return jwt.encode(claims, derive("token"), algorithm="HS256")


def read(token: str) -> Claims | None:
    """The claims of a token with a good HS256 signature that has not run out; else None (`alg: none` included)."""
    if not token or len(token) > 1024:
        return None
    try:
        claims = jwt.decode(token, derive("token"), algorithms=["HS256"], options=_OPTIONS)
    except (jwt.InvalidTokenError, UnicodeError, ValueError):
        return None
    user, tenant, session = (parse_id(claims.get(name)) for name in ("sub", "tid", "sid"))
    if user is None or tenant is None or session is None or claims["exp"] <= time.time():
        return None
    return Claims(user, tenant, session, claims["exp"])


def digest(token: str) -> bytes:
    """SHA-256 of the token: all that rows, Redis keys and logs may know of it (F19)."""
    return hashlib.sha256(token.encode()).digest()


_OPTIONS: Options = {
    "require": ["exp", "sub", "tid", "sid"],
    "verify_sub": False,
    "verify_jti": False,
    "verify_aud": False,
}
