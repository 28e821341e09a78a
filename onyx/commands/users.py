"""`flask users`: people of an organisation."""

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from onyx.core.secrets import email_digest
from onyx.identity.models import User
from onyx.members import about, queries, service

from .shell import acting_in, command, json_option, named, show, tenant_option

users = AppGroup("users", help="Create, list, suspend and delete people, and set new passwords.")
_COLUMNS = ("email", "display_name", "roles", "status", "last_login_at")


@users.command()
@tenant_option
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option(
    "--role", "roles", multiple=True, default=("user",), show_default=True, help="May be given several times."
)
@json_option
@command
def create(slug: str, email: str, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Create a person; the password is printed once."""
    with acting_in(named(slug), "admin", "users create") as (session, actor):
        id, password = service.create(session, actor, email=email, display_name=name, roles=list(roles), password=None)
    show({"id": str(id), "email": email.strip().lower(), "roles": sorted(roles), "password": password}, as_json)


@users.command("list")
@tenant_option
@click.option("--q", default="", help="Part of e-mail or name.")
@json_option
@command
def list_all(slug: str, q: str, as_json: bool) -> None:
    """All people of an organisation, newest first."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        with acting_in(named(slug), "admin", "users list") as (session, _):
            page, following = queries.people(session, queries.Filter(q=q), 200, after)
        found += page
        if following is None:
            break
        after = page[-1]["id"]
    show(found, as_json, _COLUMNS)


@users.command()
@click.argument("email")
@tenant_option
@json_option
@command
def suspend(email: str, slug: str, as_json: bool) -> None:
    """Suspend a person: all their sessions end at once."""
    with acting_in(named(slug), "admin", "users suspend") as (session, actor):
        ended = service.suspend(session, actor, _person(session, email))
    show({"email": email, "status": "suspended", "notices": len(ended)}, as_json)


@users.command()
@click.argument("email")
@tenant_option
@click.option("--transfer-to", metavar="EMAIL", help="Who receives the projects that others read; else they go too.")
@click.confirmation_option(prompt="All that is theirs goes, for ever. Delete this person?")
@json_option
@command
def delete(email: str, slug: str, transfer_to: str | None, as_json: bool) -> None:
    """Delete a person with all that is theirs; what others read may go to somebody else."""
    with acting_in(named(slug), "admin", "users delete") as (session, actor):
        user = _person(session, email)
        others = about.deletion(session, actor, user)["others"]["projects"]
        receiver = None
        if transfer_to is not None:
            user, receiver = service.prepared_to_receive(session, actor, user, _person(session, transfer_to).id)
        ended = service.remove(session, actor, user, receiver)
    lost = 0 if receiver else len(others)
    told = {
        "email": email,
        "deleted": True,
        "projects_handed_over": len(others) - lost,
        "projects_lost_to_others": lost,
    }
    show({**told, "notices": len(ended)}, as_json)


@users.command("reset-password")
@click.argument("email")
@tenant_option
@json_option
@command
def reset_password(email: str, slug: str, as_json: bool) -> None:
    """Set a new password, printed once; all sessions and API keys of the person end."""
    with acting_in(named(slug), "auth", "users reset-password") as (session, actor):
        password, revoked = service.reset_password(session, actor, _person(session, email))
    show({"email": email, "password": password, "api_keys_revoked": revoked}, as_json)


@users.command("remove-factors")
@click.argument("email")
@tenant_option
@json_option
@command
def remove_factors(email: str, slug: str, as_json: bool) -> None:
    """Take somebody's second factors away who lost them: the way back in for a last administrator."""
    with acting_in(named(slug), "auth", "users remove-factors") as (session, actor):
        removed = service.remove_factors(session, actor, _person(session, email))
    show({"email": email, "removed": removed}, as_json)


def _person(session: Session, email: str) -> User:
    found = session.scalars(select(User).where(User.email_digest == email_digest(email))).one_or_none()
    if found is None:
        raise click.ClickException(f"Nobody signs in there with {email!r}.")
    return found
