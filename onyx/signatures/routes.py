"""The public keys over HTTP."""

import base64
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.signing import ALGORITHM
from onyx.edge.http import requires
from onyx.tenancy import signing

blueprint = Blueprint("signatures", __name__)


@blueprint.get("/api/v1/signing-keys")
@requires(Permission.PROFILE_READ)
def signing_keys(_actor: Actor, _session: Session) -> list[dict[str, Any]]:
    """All keys with which this installation has ever signed, the oldest first; the last one signs now."""
    return [
        {
            "id": known.public.id,
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(known.public.value).decode(),
            "created_at": known.created_at,
            "retired_at": known.retired_at,
        }
        for known in signing.public_keys()
    ]
