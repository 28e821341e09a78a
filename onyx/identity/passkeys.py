"""Passkeys (WebAuthn Level 3): what browsers are asked, and whether what authenticators sign is right."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.db import rows
from onyx.core.ids import uuid7
from onyx.core.late import Late

if TYPE_CHECKING:
    import webauthn
    from webauthn.helpers import exceptions, structs
else:
    webauthn = Late("webauthn")
    exceptions, structs = Late("webauthn.helpers.exceptions"), Late("webauthn.helpers.structs")

_ALL = """
select id, credential_id, public_key, sign_count, transports, name, created_at, last_used_at
  from passkey where user_id = %s order by id
"""
_ADD = """
insert into passkey (user_id, id, credential_id, public_key, sign_count, transports, name)
values (%s, %s, %s, %s, %s, %s::jsonb, %s) on conflict (user_id, credential_id) do nothing returning id
"""
_USED = "update passkey set sign_count = %s, last_used_at = now() where user_id = %s and id = %s and sign_count = %s returning 1"
# WebAuthn Level 3, section 5.8.4
_TRANSPORTS = ("usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid")
# Beside its own exceptions: whatever a stranger's bytes make the parsers raise is an answer that is wrong.
_WRONG = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Site:
    """Which site passkeys are bound to: host name and origin, as the browser knows them."""

    host: str
    origin: str


def of(session: Session, user: UUID) -> list[Any]:
    """The person's passkeys, oldest first."""
    return rows(session, _ALL, user)


def to_register(session: Session, site: Site, tenant: UUID, user: UUID, email: str, name: str, nonce: bytes) -> Any:
    """What navigator.credentials.create() is asked; the nonce is the challenge that must come back signed."""
    return _plain(
        webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name="Onyx",
            user_id=tenant.bytes + user.bytes,
            user_name=email,
            user_display_name=name,
            challenge=nonce,
            exclude_credentials=_described(of(session, user)),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.PREFERRED,
            ),
        )
    )


def to_sign(session: Session, site: Site, user: UUID, nonce: bytes) -> Any | None:
    """What navigator.credentials.get() is asked; None for somebody without a passkey."""
    held = of(session, user)
    if not held:
        return None
    return _plain(
        webauthn.generate_authentication_options(rp_id=site.host, challenge=nonce, allow_credentials=_described(held))
    )


def add(session: Session, site: Site, user: UUID, nonce: bytes, answer: dict[str, Any], name: str) -> UUID | None:
    """Keep a new passkey if the browser's answer is right; its id, or None when it is not, or is there already."""
    try:
        seen = webauthn.verify_registration_response(
            credential=answer, expected_challenge=nonce, expected_rp_id=site.host, expected_origin=site.origin
        )
    except (exceptions.WebAuthnException, *_WRONG):
        return None
    told = answer.get("response", {}).get("transports")
    transports = [one for one in told if one in _TRANSPORTS][:8] if isinstance(told, list) else []
    made = rows(
        session, _ADD, user, uuid7(), seen.credential_id, seen.credential_public_key, seen.sign_count,
        json.dumps(transports), name,
    )  # fmt: skip
    return made[0].id if made else None


def for_anybody(site: Site, nonce: bytes) -> Any:
    """What navigator.credentials.get() is asked before anybody is named: the device must check who uses it."""
    required = structs.UserVerificationRequirement.REQUIRED
    return _plain(
        webauthn.generate_authentication_options(rp_id=site.host, challenge=nonce, user_verification=required)
    )


def take(
    session: Session, site: Site, user: UUID, nonce: bytes, answer: dict[str, Any], verified: bool = False
) -> bool:
    """Whether one of the person's passkeys signed this nonce for this site; a counter that went back is refused.

    With `verified`, the device must have checked its user, by PIN or finger.
    """
    try:
        wanted = webauthn.base64url_to_bytes(str(answer.get("id", ""))[:1400])
        held = next((row for row in of(session, user) if bytes(row.credential_id) == wanted), None)
        if held is None:
            return False
        seen = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=nonce,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=bytes(held.public_key),
            credential_current_sign_count=held.sign_count,
            require_user_verification=verified,
        )
    except (exceptions.WebAuthnException, *_WRONG):
        return False
    return bool(rows(session, _USED, seen.new_sign_count, user, held.id, held.sign_count))


def _described(held: list[Any]) -> "list[structs.PublicKeyCredentialDescriptor]":
    return [
        structs.PublicKeyCredentialDescriptor(
            id=bytes(row.credential_id),
            transports=[structs.AuthenticatorTransport(one) for one in row.transports if one in _TRANSPORTS],
        )
        for row in held
    ]


def _plain(options: Any) -> Any:
    return json.loads(webauthn.options_to_json(options))
