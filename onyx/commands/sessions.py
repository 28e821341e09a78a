"""`flask sessions`: live login sessions."""

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from onyx.access.ending import end, end_all_of, end_everybody
from onyx.core.ids import parse_id
from onyx.core.pages import cursor_after, parse_cursor
from onyx.core.secrets import email_digest
from onyx.identity.models import User
from onyx.sessions import console_queries, queries

from .shell import acting_in, command, json_option, named, show, tenant_option

sessions = AppGroup("sessions", help="See who is signed in, and end it.")
_COLUMNS = ("email", "device", "ip", "created_at", "last_seen_at", "id")


@sessions.command("list")
@tenant_option
@json_option
@command
def list_all(slug: str, as_json: bool) -> None:
    """All live sessions of an organisation."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        with acting_in(named(slug), "admin", "sessions list") as (session, actor):
            page, following = console_queries.live_sessions(session, actor, console_queries.Filter(), 200, after)
        found += page
        if following is None:
            break
        after = parse_cursor(cursor_after(page[-1]["created_at"], page[-1]["id"]))
    show(found, as_json, _COLUMNS)


@sessions.command()
@tenant_option
@click.option("--session", "session_id", help="One session, by its id.")
@click.option("--user", "email", help="All sessions of a person, by e-mail.")
@click.option("--all", "everybody", is_flag=True, help="All sessions of the organisation.")
@json_option
@command
def revoke(slug: str, session_id: str | None, email: str | None, everybody: bool, as_json: bool) -> None:
    """End sessions; their open pages are signed out within a second."""
    if sum(map(bool, (session_id, email, everybody))) != 1:
        raise click.UsageError("Give one of --session, --user and --all.")
    with acting_in(named(slug), "admin", "sessions revoke") as (session, actor):
        if everybody:
            count, _ = end_everybody(session, actor, "revoked_by_admin")
        elif email:
            person = session.scalars(select(User).where(User.email_digest == email_digest(email))).one_or_none()
            if person is None:
                raise click.ClickException(f"Nobody signs in there with {email!r}.")
            count = len(end_all_of(session, actor, person.id, "revoked_by_admin"))
        else:
            known = parse_id(session_id)
            row = queries.live_session(session, actor, known) if known else None
            if row is None:
                raise click.ClickException("There is no such live session.")
            count = int(end(session, actor, row, "revoked", "revoked_by_admin") is not None)
    show({"ended": count}, as_json)
