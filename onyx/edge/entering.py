"""The cookie of a login session that was just opened or renewed."""

from flask import Response, g
from werkzeug.wrappers import Response as BaseResponse

from onyx.access.opening import SignedIn

from .http import COOKIE
from .state import state


def with_cookie(response: BaseResponse | Response, opened: SignedIn) -> BaseResponse:
    """The answer, with the session's token as a cookie that no script can read."""
    response.set_cookie(
        COOKIE,
        opened.token,
        expires=opened.expires_at,
        httponly=True,
        samesite="Lax",
        secure=state().settings.secure_cookies,
        path="/",
    )
    g.pop("actor", None)
    return response
