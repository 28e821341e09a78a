"""The trail and the access log over HTTP, and the auditor's pages."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.sentences import vocabulary
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.ids import parse_id
from onyx.core.pages import parse_cursor
from onyx.core.scope import tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge.http import Page, query_int, requires

from . import queries, service
from .forms import OUTCOMES, access_filter, event_filter
from .shapes import shown_access, shown_event, unnamed

blueprint = Blueprint("trail", __name__)


@blueprint.get("/audit/")
@requires(Permission.AUDIT_READ)
def trail_page(_actor: Actor, _session: Session) -> str:
    return render_template("audit/trail.html", actions=vocabulary(), outcomes=OUTCOMES)


@blueprint.get("/audit/access")
@requires(Permission.AUDIT_READ)
def access_page(_actor: Actor, _session: Session) -> str:
    return render_template("audit/access.html")


@blueprint.get("/settings/trail")
@requires(Permission.OWN_ACCOUNT)
def own_page(_actor: Actor, _session: Session) -> str:
    return render_template("audit/own.html")


@blueprint.get("/api/v1/audit/actions")
@requires(Permission.AUDIT_READ)
def actions(_actor: Actor, _session: Session) -> list[dict[str, str]]:
    return vocabulary()


@blueprint.get("/api/v1/audit/events")
@requires(Permission.AUDIT_READ)
def events(actor: Actor, session: Session) -> Page:
    chosen, size, after = (
        event_filter(request.args),
        query_int("limit", 50, 1, 200),
        parse_cursor(request.args.get("after")),
    )
    found, following = queries.events(session, chosen, _person(actor, chosen.actor), size, after)
    people = queries.people(session, unnamed(found))
    service.look(session, actor, Action.AUDIT_LOG_VIEWED, chosen.told())
    return Page([shown_event(row, people) for row in found], following)


@blueprint.get("/api/v1/audit/events/<event_id>")
@requires(Permission.AUDIT_READ, of=queries.event)
def one_event(actor: Actor, session: Session, event: Any) -> dict[str, Any]:
    service.look(session, actor, Action.AUDIT_LOG_VIEWED, {}, event=str(event.event_id))
    return shown_event(event, queries.people(session, unnamed([event])))


@blueprint.get("/api/v1/access-log")
@requires(Permission.AUDIT_READ)
def access_log(actor: Actor, session: Session) -> Page:
    chosen, size, after = (
        access_filter(request.args),
        query_int("limit", 50, 1, 200),
        parse_cursor(request.args.get("after")),
    )
    found, following = queries.accesses(session, chosen, _person(actor, chosen.user), size, after)
    people = queries.people(session, {row.user_id for row in found if row.user_id})
    service.look(session, actor, Action.ACCESS_LOG_VIEWED, chosen.told())
    return Page([shown_access(row, people) for row in found], following)


@blueprint.get("/api/v1/users/me/trail")
@requires(Permission.OWN_ACCOUNT)
def own_trail(actor: Actor, session: Session) -> Page:
    size, after = query_int("limit", 50, 1, 200), parse_cursor(request.args.get("after"))
    found, following = queries.own_events(session, actor, size, after)
    people = queries.people(session, unnamed(found))
    return Page([shown_event(row, people) for row in found], following)


def _person(actor: Actor, named: str | None) -> UUID | None:
    """Whom an id or an e-mail means; None when nobody here has it."""
    if named is None or (id := parse_id(named)) is not None:
        return id if named else None
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        return queries.person_of_email(session, email_digest(named))
