"""The installation's signing keys: made by the first migration, wrapped under the master key, one of them current.

Who may sign is code, not a request's SQL: sign() reads the private key in a short transaction of its own, with purpose
`job:sign`, which no request's context has. The steward and the command line read it with the owner's connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from onyx.core import master, signing
from onyx.core.scope import Scope, current_scope
from onyx.core.signing import NotGenuine, PublicKey, Signature, SigningKey

from .walls import control_plane

_SECRET = "select id, wrapped, master from onyx.signing_secret()"
_SECRET_OF_OWNER = "select id, wrapped, master from onyx.signing_key where retired_at is null"
_PUBLIC = "select id, public, created_at, retired_at from onyx.signing_key order by created_at, id"
_ADD = "insert into onyx.signing_key (id, public, wrapped, master) values (%s, %s, %s, %s)"
_LOCK = 0x0A11_0003
Owner = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key, and from when until when it signed; `retired_at` is None for the one that signs now."""

    public: PublicKey
    created_at: datetime
    retired_at: datetime | None


def sign(payload: bytes, owner: Owner | None = None) -> Signature:
    """Sign with the current key: in the open scope, or with the owner's connection (steward, command line).

    Raises ScopeMissing without either, Unavailable when PostgreSQL is away.
    """
    return _current(owner).sign(payload)


def signed_document(kind: str, content: dict[str, Any], owner: Owner | None = None) -> dict[str, Any]:
    """Content as a signed document (form: onyx.core.signing.document); JSON without fractions."""
    return signing.document(_current(owner), kind, content)


def verify(payload: bytes, signature: Signature, owner: Owner | None = None) -> None:
    """Raises NotGenuine unless a key of this installation, retired or not, made this signature."""
    signing.check(payload, signature, _known(signature.key_id, owner))


def verify_document(made: dict[str, Any], kind: str | None = None, owner: Owner | None = None) -> dict[str, Any]:
    """The content of a document that this installation signed. Raises NotGenuine."""
    return signing.check_document(made, _known(signing.key_id_of(made), owner), kind)


def public_keys(owner: Owner | None = None) -> list[KnownKey]:
    """All keys that ever signed here, the oldest first."""
    return [KnownKey(PublicKey(bytes(row[1])), row[2], row[3]) for row in _rows(_PUBLIC, owner)]


def install_keys(owner: Owner) -> None:
    """On first use, write down which master key this database belongs to, and make a signing key. May be repeated."""
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if owner.execute("select 1 from onyx.master_key limit 1").fetchone() is None:
            owner.execute("insert into onyx.master_key (id) values (%s)", [master.installed()[0].id])
        if owner.execute(_SECRET_OF_OWNER).fetchone() is None:
            _add(owner, SigningKey.new())


def renew(owner: Owner) -> PublicKey:
    """Retire the current key, whose signatures stay good, and make another one."""
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        owner.execute("update onyx.signing_key set retired_at = now() where retired_at is null")
        return _add(owner, SigningKey.new())


def _add(owner: Owner, key: SigningKey) -> PublicKey:
    row = owner.execute("select id from onyx.master_key where retired_at is null").fetchone()
    assert row is not None
    wrapped = master.by_id(bytes(row[0])).wrap(key.seed, belongs_to(key.public.id))
    owner.execute(_ADD, [key.public.id, key.public.value, wrapped, row[0]])
    return key.public


def belongs_to(id: str) -> bytes:
    """What a wrapped signing key is bound to."""
    return f"signing-key|{id}".encode()


def _current(owner: Owner | None) -> SigningKey:
    found = _rows(_SECRET if owner is None else _SECRET_OF_OWNER, owner)
    if not found:
        raise RuntimeError("there is no signing key: run `flask migrate`")
    id, wrapped, by = found[0]
    return SigningKey(master.by_id(bytes(by)).unwrap(bytes(wrapped), belongs_to(id)))


def _known(id: str, owner: Owner | None) -> PublicKey:
    for known in public_keys(owner):
        if known.public.id == id:
            return known.public
    raise NotGenuine("no key of this installation has this id")


def _rows(statement: str, owner: Owner | None) -> Sequence[Any]:
    if owner is not None:
        return owner.execute(statement.encode()).fetchall()
    with control_plane(Scope(current_scope().tenant, "job:sign")) as connection:
        return connection.exec_driver_sql(statement).all()
