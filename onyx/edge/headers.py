"""What every answer carries: request id, a strict Content-Security-Policy, and no trace in caches (G3, F8)."""

import time

from flask import Flask, Response, g, request

from onyx.core.ids import uuid7

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Content-Security-Policy", CSP),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]
_PRIVATE = [("Cache-Control", "no-store, private"), ("Vary", "Cookie, Authorization")]
_FOR_EVER = ("Cache-Control", "public, max-age=31536000, immutable")


def install(app: Flask, secure: bool) -> None:
    """Number every request and put the headers on every answer, errors included."""
    always = [*_ALWAYS, ("Strict-Transport-Security", "max-age=31536000")] if secure else _ALWAYS

    @app.before_request
    def number() -> None:
        g.began = time.perf_counter()
        g.request_id = uuid7().hex

    @app.after_request
    def dress(response: Response) -> Response:
        headers = response.headers
        headers.extend(always)
        headers["X-Request-ID"] = g.get("request_id", "")
        if request.endpoint == "static" and response.status_code in (200, 304):
            headers["Cache-Control"] = _FOR_EVER[1]
        else:
            headers.extend(_PRIVATE)
        return response
