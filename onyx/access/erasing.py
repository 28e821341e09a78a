"""What comes after a person's rows are gone: their key is destroyed, and a signed certificate says what that means (C11)."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.canonical import canonical
from onyx.core.clock import now, rfc3339
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, tenant_scope
from onyx.tenancy import erasure, signing
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant

KIND = "onyx.erasure-certificate/1"


def certify(tenant: UUID, user: UUID, backups_live: timedelta) -> bool:
    """Destroy the key, keep the certificate, tell the trail; False when all that was done before.

    The rows must be gone. `backups_live` is for how long the operator keeps copies of whole disks or databases.
    """
    begun = erasure.one(Scope(tenant, erasure.PURPOSE), user)
    place = known_tenant(Scope(tenant, erasure.PURPOSE), tenant)
    if begun is None or begun.erased_at is not None or place is None:
        return False
    at = now()
    with tenant_scope(tenant, erasure.PURPOSE, user):
        certificate = signing.signed_document(KIND, content(place, begun, at, backups_live))
    if not erasure.finish(tenant, user, at, certificate):
        return False
    digest = hashlib.sha256(canonical(certificate)).hexdigest()
    request = Request(uuid7().hex, "JOB", "erasures.finish")
    onyx = Actor(tenant, place.slug, place.name, None, "", "Onyx", kind="job", request=request)
    record_alone(onyx, Action.ERASURE_CERTIFIED, target("user", user), purpose=erasure.PURPOSE, sha256=digest)
    return True


def content(place: Tenant, begun: erasure.Erasure, at: datetime, backups_live: timedelta) -> dict[str, Any]:
    """What the certificate says; no name and no e-mail, since it outlives both."""
    return {
        "tenant": {"id": str(place.id), "slug": place.slug},
        "user_id": str(begun.user_id),
        "asked_at": rfc3339(begun.begun_at),
        "erased_at": rfc3339(at),
        "removed": [
            "account, profile, credentials, second factors, roles, API keys and login sessions",
            "chats and messages with their search entries",
            "projects, files and their passages with their search entries, those aside that were handed to a colleague before",
        ],
        "key": "destroyed: what it sealed, in backups of the organisation too, cannot be read by anybody",
        "restores": "whoever restores a backup of the organisation removes this person again",
        "physical_backups_expire_at": rfc3339(at + backups_live),
        "kept": ["the audit trail and the access log, which nobody may change, until their retention ends"],
    }
