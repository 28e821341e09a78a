"""People in and out as CSV files, over HTTP (I1)."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request, stream_with_context
from sqlalchemy.orm import Session

from onyx.access.invitation_letter import address
from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import Invalid, OnyxError, QuotaReached
from onyx.core.ids import parse_id, uuid7
from onyx.core.scope import tenant_scope
from onyx.edge import bounds
from onyx.edge.documented import documented
from onyx.edge.http import requires
from onyx.edge.state import state

from . import queries, roster

blueprint = Blueprint("roster", __name__)
PAGE = 500
_CHOICE = {"type": "string", "enum": ["true", "false"], "default": "false"}
_MODE = {"type": "string", "enum": ["invitations", "accounts"], "default": "invitations"}


@blueprint.post("/api/v1/users/import")
@documented(body="text/csv", query={"dry_run": _CHOICE, "make": _MODE}, answers={200: {"type": "object"}})
@requires(Permission.USERS_MANAGE, limit="60/minute", fresh=True)
def take_in(actor: Actor, session: Session) -> dict[str, Any]:
    """People from a CSV file, as the body or as the part `file` of a form; 5000 at most, each row by itself.

    `make=invitations` sends a mail for each row, or gives a link that is shown here only; `make=accounts` makes
    accounts without a password. With `dry_run=true` nothing happens and the answer says what would.
    """
    found = roster.read(_text())
    with unit_of_work() as look:  # over before rows are taken in, which may be long
        roster.check(look, actor, found)
    accounts, dry = _choice("make", _MODE) == "accounts", _choice("dry_run", _CHOICE) == "true"
    if not dry:
        for row in found:
            _take(actor, row, accounts)
        made = sum(not row.error for row in found)
        where = target("tenant", actor.tenant_id, actor.tenant_name)
        record(session, actor, Action.PEOPLE_IMPORTED, where, rows=len(found), made=made, accounts=accounts)
    done = ("would be " if dry else "") + ("created" if accounts else "invited")
    refused = sum(bool(row.error) for row in found)
    shown = [row.told(done) for row in found]
    return {"dry_run": dry, "rows": len(found), "done": len(found) - refused, "refused": refused, "results": shown}


@blueprint.get("/api/v1/users/export")
@documented(answers={200: "text/csv"})
@requires(Permission.USERS_READ, limit="10/minute", fresh=True)
def give_out(actor: Actor, session: Session) -> Response:
    """All people as CSV, oldest page last; cells that a spreadsheet would run begin with an apostrophe."""
    record(session, actor, Action.PEOPLE_EXPORTED, target("tenant", actor.tenant_id, actor.tenant_name))
    body = stream_with_context(roster.lines(_pages(actor)))
    return Response(
        body,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="people.csv"'},
    )


def _take(actor: Actor, row: roster.Row, accounts: bool) -> None:
    """One row in a transaction of its own: what is wrong with it keeps nobody else out."""
    if row.error:
        return
    settings = state().settings
    try:
        with unit_of_work() as session:
            made = roster.take(session, actor, row, accounts, settings.sends_mail)
    except OnyxError as error:
        row.error = error.message
        if isinstance(error, QuotaReached):
            bounds.tell(actor, error)
        return
    if made is not None:
        link = address(settings.public_url or request.host_url, made.token) if made.token else None
        row.result = {"mailed": link is None, "link": link, "expires_at": made.expires_at}


def _pages(actor: Actor) -> Iterator[list[dict[str, Any]]]:
    """Page after page, each read in a transaction of its own, until the session that asked for it ends."""
    assert actor.user_id is not None
    after, needs = None, Permission.USERS_READ
    with state().streams.open(actor, uuid7(), needs) as stream:
        while not stream.stopped.is_set():
            with tenant_scope(actor.tenant_id, "admin", actor.user_id, actor.session_id), unit_of_work() as session:
                page, following = queries.people(session, queries.Filter(), PAGE, after)
            yield page
            if following is None:
                return
            after = parse_id(following)


def _text() -> str:
    """The file's text: UTF-8, with or without a byte order mark. Raises Invalid."""
    sent = request.files.get("file")
    raw = sent.read() if sent else request.get_data()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = "Save the file as CSV in UTF-8."
        raise Invalid(message, fields={"file": message}) from None


def _choice(name: str, schema: dict[str, Any]) -> str:
    given = request.args.get(name) or schema["default"]
    if given not in schema["enum"]:
        raise Invalid(fields={name: f"Give {' or '.join(schema['enum'])}."})
    return str(given)
