"""How far an organisation has come."""

from typing import Any

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.scope import Scope
from onyx.tenancy.walls import control_plane

_SETTINGS = "select settings from tenant where id = %s"
_DECIDED = (
    "require_mfa",
    "session_idle_seconds",
    "session_absolute_seconds",
    "session_max_concurrent",
    "remember_days",
)


def checklist(actor: Actor, count: Any, has_model: bool, sends_mail: bool) -> list[dict[str, Any]]:
    """What a tenant's administrators do first; `count` is members.queries.headcount(), the rest
    what the installation has for everybody.

    An entry without `href` is not theirs to do: its text says whose it is.
    """
    said = _said(actor)
    has_model = has_model or bool(said.get("model_base_url"))
    decides = actor.may(Permission.SETTINGS_MANAGE)
    return [
        {"text": "Add the people of your organisation", "done": count.active > 1, "href": "/admin/invitations/"},
        {"text": "Give a second person the role Admin", "done": count.admins > 1, "href": "/admin/people/"},
        {
            "text": "Appoint an auditor, who alone may read the trail",
            "done": count.auditors > 0,
            "href": "/admin/people/",
        },
        {
            "text": "Decide how long people stay signed in, and whether they need a second factor",
            "done": any(said.get(name) is not None for name in _DECIDED),
            "href": "/admin/settings#sessions" if decides else None,
        },
        {
            "text": "A language model answers"
            if has_model
            else "Connect a language model of your own: until then answers quote people’s own files",
            "done": has_model,
            "href": "/admin/settings#assistant" if decides else None,
        },
        {
            "text": "Mail can be sent"
            if sends_mail
            else "Let Onyx send mail: until then links are shown once (whoever runs Onyx sets SMTP_URL and SMTP_FROM)",
            "done": sends_mail,
        },
    ]


def _said(actor: Actor) -> dict[str, Any]:
    """What the organisation has decided of itself."""
    with control_plane(Scope(actor.tenant_id, "auth")) as connection:
        return connection.exec_driver_sql(_SETTINGS, (actor.tenant_id,)).scalar() or {}
