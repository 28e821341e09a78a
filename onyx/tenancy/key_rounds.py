"""Rounds of new keys for all organisations: one that was interrupted goes on with those that are left (G4)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from .keystore import Owner

_BEGIN = "insert into onyx.key_round default values on conflict do nothing"
_OPEN = "select began_at from onyx.key_round where ended_at is null"
# A key that is younger than the round is the round's, if nothing is left to be sealed with it; a first one has nothing.
_DONE = """
select 1 from onyx.tenant_key
 where tenant_id = %s and retired_at is null and created_at >= %s and (settled_at is not null or version = 1)
"""


def begin(owner: Owner, anew: bool) -> tuple[datetime, bool]:
    """When the open round began, and whether that was before now; with `anew`, an open one is left as it is and ends."""
    if anew:
        end(owner)
    was_open = owner.execute(_OPEN).fetchone() is not None
    owner.execute(_BEGIN)
    row: Any = owner.execute(_OPEN).fetchone()
    return row[0], was_open


def is_done(owner: Owner, began: datetime, tenant: UUID) -> bool:
    """Whether a tenant has its new key already, whoever gave it since the round began."""
    return owner.execute(_DONE, [tenant, began]).fetchone() is not None


def end(owner: Owner) -> None:
    """Every organisation has had its turn."""
    owner.execute("update onyx.key_round set ended_at = clock_timestamp() where ended_at is null")
