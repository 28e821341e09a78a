"""A real OpenID provider on a real port, made of Authlib's own server classes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
__all__ = ["Provider", "ResourceProtector"]


@dataclass
class Client(ClientMixin):
    """The one client that is registered."""

    client_id: str = "onyx"
    client_secret: str = "a secret: with % and +"
    redirect_uris: list[str] = field(default_factory=list)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """An authorization code with all that was asked."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    person: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Provider:
    """`person` is who is signed in there; `claims` and `header` spoil what it says; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.client = Client()
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.person: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.sign: Any = None
        self.asked: list[dict[str, str]] = []
        self.codes: dict[str, Code] = {}
        self.calls_itself: str | None = None
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()

    def logout_token(self, **more: Any) -> str:
        """A back-channel logout token; `more` adds or spoils claims, None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": self.client.client_id, "iat": now, "exp": now + 120, "jti": f"j{time.time_ns()}",
            "events": {LOGGED_OUT: {}}, **more,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, "typ": "logout+jwt"}, claims, self.key)

    def _app(self) -> Flask:
        app = Flask("idp")
        server = AuthorizationServer(
            app, lambda _id: self.client if _id == self.client.client_id else None, lambda *_: None
        )
        server.register_grant(_grant(self), [CodeChallenge(required=True), _openid(self)])

        @app.get("/.well-known/openid-configuration")
        def about() -> Any:
            return jsonify(
                issuer=self.calls_itself or self.url,
                authorization_endpoint=f"{self.url}/authorize",
                token_endpoint=f"{self.url}/token",
                jwks_uri=f"{self.url}/keys",
                response_types_supported=["code"],
                id_token_signing_alg_values_supported=["RS256"],
            )

        @app.get("/moved/.well-known/openid-configuration")
        def moved() -> Any:
            return redirect(f"{self.url}/.well-known/openid-configuration")

        @app.get("/keys")
        def keys() -> Any:
            return jsonify(keys=[self.key.as_dict(private=False)])

        @app.get("/authorize")
        def authorize() -> Any:
            self.asked.append(request.args.to_dict())
            grant = server.get_consent_grant(end_user=self.person)
            return server.create_authorization_response(grant_user=self.person, grant=grant)

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        return app


def _grant(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            said = request.payload
            provider.codes[code] = Code(
                code, said.redirect_uri, said.scope, said.data.get("nonce"), said.data.get("code_challenge"),
                said.data.get("code_challenge_method"), dict(provider.person),
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.person

    return Grant


def _openid(provider: Provider) -> OpenIDCode:
    class OpenID(OpenIDCode):
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def resolve_client_private_key(self, client: Any) -> Any:
            return provider.key

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": provider.url, "aud": [client.get_client_id()]}

        def get_encode_header(self, client: Any) -> dict[str, Any]:
            return {"alg": "RS256", "kid": provider.key.kid}

        def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
            return UserInfo(**{**user, **provider.claims})

        def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
            made = super().encode_id_token(token, request)
            return provider.sign(made) if provider.sign else made

    return OpenID()
