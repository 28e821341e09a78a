"""One tenant's OpenID provider: what it says of itself, its keys, codes against tokens, and tokens that hold.

OpenID Connect Core 1.0, Discovery 1.0 and Back-Channel Logout 1.0; PKCE is RFC 7636, the `iss` answer RFC 9207.
"""

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from onyx.core.errors import Unavailable
from onyx.core.late import Late
from onyx.edge.state import state
from onyx.edge.store import Away, TenantStore

from .outward import checked_url, fetch_json

if TYPE_CHECKING:
    from authlib.common import urls
    from authlib.oauth2 import rfc7636
    from authlib.oidc import core as oidc
    from joserfc import errors, jwk, jwt
else:
    urls, rfc7636, oidc = Late("authlib.common.urls"), Late("authlib.oauth2.rfc7636"), Late("authlib.oidc.core")
    errors, jwk, jwt = Late("joserfc.errors"), Late("joserfc.jwk"), Late("joserfc.jwt")

# Signed by the provider's own key: a shared secret could sign for others (and `none` for all).
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60
_REMEMBERED = 600
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Refused(Exception):
    """Somebody cannot be let in; `reason` is one of the reasons of the sign-in page, `detail` is for the trail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Provider:
    """What the tenant's administrator set up, with the secret in clear."""

    tenant: UUID
    issuer: str
    client_id: str
    client_secret: str
    domains: tuple[str, ...]
    default_role: str
    create_people: bool


def description(tenant: UUID, issuer: str) -> dict[str, Any]:
    """The provider's own description, remembered for ten minutes. Raises Invalid or Unavailable."""
    found = _remembered(tenant, "about", issuer)
    if found is None:
        found = fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise Unavailable("The sign-in service calls itself by another name than the issuer that was given.")
        for name in _NEEDED:
            checked_url(str(found.get(name) or ""))
        _remember(tenant, "about", issuer, found)
    return found


def way_there(provider: Provider, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
    """The address to which the browser is sent."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": rfc7636.create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    start = description(provider.tenant, provider.issuer)["authorization_endpoint"]
    return str(urls.add_params_to_uri(start, list(asked.items())))


def redeem(provider: Provider, code: str, redirect_uri: str, nonce: str, verifier: str) -> dict[str, Any]:
    """Exchange a code for an ID token that holds; its claims. Raises Refused or Unavailable."""
    about = description(provider.tenant, provider.issuer)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    headers: dict[str, str] = {}
    methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if "client_secret_basic" in methods:
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    answer = fetch_json(about["token_endpoint"], form, headers)
    token, access = answer.get("id_token"), answer.get("access_token")
    if not isinstance(token, str):
        raise Refused("sso_failed", "no ID token")
    claims = _checked(provider, token, {"nonce": nonce, "client_id": provider.client_id, "access_token": access})
    if "email" not in claims and about.get("userinfo_endpoint") and isinstance(access, str):
        told = fetch_json(about["userinfo_endpoint"], headers={"Authorization": f"Bearer {access}"})
        if told.get("sub") == claims["sub"]:
            claims |= {name: told[name] for name in ("email", "email_verified", "name") if name in told}
    return claims


def logged_out(provider: Provider, token: str) -> dict[str, Any]:
    """The claims of a logout token that holds (Back-Channel Logout 1.0, section 2.6). Raises Refused."""
    claims = _checked(provider, token, {"client_id": provider.client_id})
    events = claims.get("events")
    if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(LOGGED_OUT), dict):
        raise Refused("sso_failed", "not a logout token")
    if not isinstance(claims.get("jti"), str) or not (claims.get("sub") or claims.get("sid")):
        raise Refused("sso_failed", "a logout token without jti, or of nobody")
    if abs(time.time() - float(claims["iat"])) > _REMEMBERED or not _first(provider.tenant, claims["jti"]):
        raise Refused("sso_failed", "a logout token that is old or was used")
    return claims


def _checked(provider: Provider, token: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        found = _decoded(provider, token)
        options: Any = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
            "sub": {"essential": False, "allow_blank": True},
        }
        claims = oidc.CodeIDToken({"sub": "", **found.claims}, found.header, options, params)
        claims.validate(leeway=LEEWAY)
    except (errors.JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused("sso_failed", f"the token does not hold: {type(error).__name__} {error}"[:200]) from None
    if not isinstance(claims["sub"], str):
        raise Refused("sso_failed", "the subject is no text")
    return dict(claims)


def _decoded(provider: Provider, token: str) -> Any:
    """The token under the provider's keys; they are fetched anew once when none of them fits."""
    for fresh in (False, True):
        try:
            return jwt.decode(token, jwk.KeySet.import_key_set(_keys(provider, fresh)), algorithms=ALGORITHMS)
        except (errors.JoseError, ValueError):
            if fresh:
                raise
    raise AssertionError("unreachable")


def _keys(provider: Provider, fresh: bool) -> Any:
    found = _remembered(provider.tenant, "keys", provider.issuer)
    if found is None or (fresh and _first(provider.tenant, "keys", seconds=2)):
        found = fetch_json(description(provider.tenant, provider.issuer)["jwks_uri"])
        _remember(provider.tenant, "keys", provider.issuer, found)
    return found


def forget(tenant: UUID) -> None:
    """Ask the provider anew: its set-up was changed."""
    store = TenantStore(state().store, tenant)
    try:
        for what in ("about", "keys"):
            store.delete("sso", what)
    except Away:
        return


def _remembered(tenant: UUID, what: str, issuer: str) -> dict[str, Any] | None:
    try:
        found = TenantStore(state().store, tenant).get("sso", what)
    except Away:
        return None
    kept = json.loads(found) if found else {}
    return kept.get("said") if kept.get("issuer") == issuer else None


def _remember(tenant: UUID, what: str, issuer: str, said: dict[str, Any]) -> None:
    try:
        text = json.dumps({"issuer": issuer, "said": said})
        TenantStore(state().store, tenant).set("sso", what, value=text, seconds=_REMEMBERED)
    except Away:
        return


def _first(tenant: UUID, what: str, seconds: int = 2 * _REMEMBERED) -> bool:
    """Whether this is the first time; without Redis nobody knows, and it counts as the first."""
    name = base64.urlsafe_b64encode(what.encode()[:200]).decode()
    try:
        return TenantStore(state().store, tenant).set("sso", "once", name, value="1", seconds=seconds, only_if_new=True)
    except Away:
        return True
