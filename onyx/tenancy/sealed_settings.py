"""The one secret among a tenant's settings, in the control plane: the key of its own model provider."""

import base64
from uuid import UUID

from .keyring import data_key
from .keystore import Owner
from .sealed import seal, unseal, version_of

NAME, USE, BELONGS = "model_key_sealed", "model-key", b"model"
_READ = "select settings ->> %s from onyx.tenant where id = %s for update"
_WRITE = "update onyx.tenant set settings = jsonb_set(settings, array[%s], to_jsonb(%s::text)) where id = %s"


def seal_anew(owner: Owner, tenant: UUID) -> int:
    """Seal it with the tenant's current key; 1 when it was not. Raises ValueError for one that does not open."""
    with owner.transaction():
        row = owner.execute(_READ, [NAME, tenant]).fetchone()
        if row is None or row[0] is None:
            return 0
        hidden = base64.b64decode(row[0])
        if version_of(hidden) == data_key(tenant, owner=owner).version:
            return 0
        fresh = seal(USE, unseal(USE, hidden, BELONGS, tenant=tenant, owner=owner), BELONGS, tenant=tenant, owner=owner)
        owner.execute(_WRITE, [NAME, base64.b64encode(fresh).decode(), tenant])
    return 1
