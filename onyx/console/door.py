"""Flask-Admin's endpoints go through the same door as every route: identify, limit, CSRF, authorize, scope, commit."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, g
from flask_admin import BaseView
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Conflict, Denied, Invalid, OnyxError
from onyx.edge.http import requires


def guard(app: Flask, view: BaseView) -> None:
    """Put the door before every endpoint of a view; `view.permissions` maps method names, others need USERS_MANAGE.

    What a form sends to an endpoint named in `view.fresh` needs a fresh proof that it is still them (I6).
    """
    for endpoint, function in list(app.view_functions.items()):
        blueprint, _, name = endpoint.rpartition(".")
        if blueprint == view.endpoint:
            app.view_functions[endpoint] = _behind(
                function, view.permissions.get(name, Permission.USERS_MANAGE), name in getattr(view, "fresh", ())
            )


def refusal() -> OnyxError | None:
    """Why the first try of this request was refused, for a form to show it beside what was typed."""
    found: OnyxError | None = g.get("console_refusal")
    return found


def _behind(function: Callable[..., Any], permission: Permission, fresh: bool) -> Callable[..., Any]:
    @requires(permission, fresh=fresh)
    def inside(_actor: Actor, _session: Session, **arguments: Any) -> Any:
        return function(**arguments)

    @wraps(function)
    def entered(**arguments: Any) -> Any:
        try:
            return inside(**arguments)
        except (Conflict, Denied, Invalid) as error:
            # All that the form did is rolled back by now. Show it again, unless it was the door that refused.
            if not g.get("console_form"):
                raise
            g.console_refusal = error
            return inside(**arguments)

    entered.__dict__["onyx_rule"] = inside.__dict__["onyx_rule"]
    return entered
