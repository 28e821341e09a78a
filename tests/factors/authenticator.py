"""A passkey's device in software: makes ES256 keys and signs as WebAuthn Level 3 says (sections 6.1 and 6.5)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One device with one key, at one site."""

    def __init__(self, origin: str = "http://localhost") -> None:
        self.origin = origin
        self.id = os.urandom(16)
        self.count = 0
        self.handle: str | None = None
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer navigator.credentials.create()."""
        self.handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = self._data(wrong.get("host", options["rp"]["id"]), PRESENT | ATTESTED)
        data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        return self._answer(
            {
                "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
                "clientDataJSON": b64(self._client("webauthn.create", options["challenge"])),
                "transports": ["internal"],
            }
        )

    def sign(self, options: dict[str, Any], count: int | None = None, verified: bool = False) -> dict[str, Any]:
        """Answer navigator.credentials.get(); `verified` when the device has checked its user."""
        self.count = self.count + 1 if count is None else count
        flags = PRESENT | (VERIFIED if verified else 0)
        data, client = self._data(options["rpId"], flags), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "authenticatorData": b64(data),
                "clientDataJSON": b64(client),
                "signature": b64(signature),
                "userHandle": self.handle,
            }
        )

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response,
                "clientExtensionResults": {}}  # fmt: skip
