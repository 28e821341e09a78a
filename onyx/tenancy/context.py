"""The signed context: who, tenant, purpose, expiry and backend, with an HMAC that PostgreSQL checks.

Form: `v1|tenant|user|purpose|expires|pid|session.<hmac>`; the HMAC is SHA-256 (RFC 2104), hex.
onyx.ctx() in migrations/platform is the reader; both must change together.
"""

import hashlib
import hmac
import time
from uuid import UUID

from onyx.core.scope import Scope
from onyx.core.secrets import derive

LIFETIME = 30.0
_BLOCK = 64


def sign(scope: Scope, pid: int | None, seconds: float = LIFETIME) -> str:
    """The context for one transaction on one backend (`pid`; None behind a transaction pooler), good for so long."""
    user = scope.user.hex if scope.user else ""
    session = scope.session.hex if scope.session else ""
    expires = time.time() + seconds
    body = f"v1|{scope.tenant.hex}|{user}|{scope.purpose}|{expires:.3f}|{pid or '-'}|{session}"
    return f"{body}.{hmac.digest(derive('context'), body.encode(), 'sha256').hex()}"


def padded_keys(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of HMAC (RFC 2104, section 2), as the database stores them."""
    block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def schema_of(tenant: UUID) -> str:
    """Name of a tenant's schema, and of its role."""
    return f"tenant_{tenant.hex}"
