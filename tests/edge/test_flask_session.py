"""Flask's own session is read where a request brings one, and believed when it is signed."""

from __future__ import annotations

from flask import session
from flask.sessions import SecureCookieSessionInterface


def test_it_is_read_where_there_is_one_and_made_ready_only_then(app, monkeypatch):
    asked = []
    serializer = SecureCookieSessionInterface.get_signing_serializer
    monkeypatch.setattr(
        SecureCookieSessionInterface,
        "get_signing_serializer",
        lambda one, app: asked.append(1) or serializer(one, app),
    )
    with app.test_request_context("/"):
        assert dict(session) == {} and not asked
        session["note"] = "kept"
        response = app.session_interface.save_session(app, session, made := app.response_class()) or made
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    with app.test_request_context("/", headers={"Cookie": cookie}):
        assert session["note"] == "kept"
    with app.test_request_context("/", headers={"Cookie": cookie[:-2] + "xx"}):
        assert dict(session) == {}
