"""`flask tenants`: organisations."""

from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup

from onyx.access.people import checked_email
from onyx.audit.actions import Action
from onyx.audit.record import change, record, target
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.state import state
from onyx.tenancy import moving, steward
from onyx.tenancy.ledger import versions_of
from onyx.tenancy.listing import Tenant, notes_of, people_counts
from onyx.tenancy.listing import tenants as listed
from onyx.tenancy.nodes import UnknownNode
from onyx.tenancy.sizes import sizes
from onyx.tenancy.slugs import checked_slug
from onyx.tenants import service, turning
from onyx.tenants.deletion import open_deletion

from .migrating import Bar, bring_up
from .owner import owner_url
from .shell import acting_in, command, json_option, named, operator, platform, show

tenants = AppGroup("tenants", help="Create, see, suspend, archive, resume, delete and migrate organisations.")
_COLUMNS = ("slug", "name", "status", "version", "people", "database_bytes", "id")


@tenants.command()
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
@click.option(
    "--admin-email", required=True, help="The first administrator; invited by mail, or by a link printed once."
)
@click.option("--admin-name", default="")
@click.option("--password", "by_password", is_flag=True, help="Print a one-time password instead of inviting.")
@json_option
@command
def create(slug: str, name: str, admin_email: str, admin_name: str, by_password: bool, as_json: bool) -> None:
    """Create an organisation and invite its first administrator."""
    show(create_tenant(slug, name, admin_email, admin_name, by_password), as_json)


@tenants.command("list")
@click.option("--q", default="", help="Part of the short name or the name.")
@click.option("--status", default="", help="active, suspended, archived, deleting or provisioning.")
@json_option
@command
def list_all(q: str, status: str, as_json: bool) -> None:
    """All organisations, the oldest first."""
    found: list[dict[str, Any]] = []
    after: UUID | None = None
    while page := listed(_scope(), 200, after, q, status):
        found += [_shown(row, known) for row, known in zip(page, _known(page), strict=True)]
        after = page[-1].id
    show(found, as_json, _COLUMNS)


@tenants.command("show")
@click.argument("slug")
@json_option
@command
def show_one(slug: str, as_json: bool) -> None:
    """One organisation."""
    place = named(slug)
    asked = open_deletion(_scope(), place.id)
    more = {
        "created_at": place.created_at, "suspended_at": place.suspended_at, "archived_at": place.archived_at,
        "notes": notes_of(_scope(), place.id) or None, "deletion": asked.state if asked else None,
    }  # fmt: skip
    show({**_shown(place, _known([place])[0]), **more}, as_json)


@tenants.command()
@click.argument("slug")
@json_option
@command
def suspend(slug: str, as_json: bool) -> None:
    """Close an organisation: all its sessions and sockets end at once."""
    _turn(slug, "suspend", as_json)


@tenants.command()
@click.argument("slug")
@json_option
@command
def archive(slug: str, as_json: bool) -> None:
    """Close an organisation and leave it alone, its data kept; `resume` brings it back."""
    _turn(slug, "archive", as_json)


@tenants.command()
@click.argument("slug")
@json_option
@command
def resume(slug: str, as_json: bool) -> None:
    """Open a suspended or archived organisation again."""
    _turn(slug, "resume", as_json)


@tenants.command()
@json_option
@command
def migrate(as_json: bool) -> None:
    """Bring every organisation to this version; may be stopped and run again."""
    bring_up(as_json, "All organisations are at this version.")


@tenants.command()
@click.argument("slug")
@click.argument("node")
@click.confirmation_option(prompt="Its people wait while it is copied. Move it?")
@json_option
@command
def place(slug: str, node: str, as_json: bool) -> None:
    """Move an organisation to another database machine (`flask nodes` lists them); may be killed and run again."""
    found = named(slug)
    try:
        with Bar("Copying tables", quiet=as_json) as progress:
            was = moving.move(owner_url(), found.id, node, progress)
    except (moving.NotMoved, UnknownNode) as refused:
        raise click.ClickException(str(refused)) from None
    if was != node:
        with acting_in(platform(), "platform", "tenants place") as (session, actor):
            told = [change("node", was, node)]
            record(session, actor, Action.TENANT_MOVED, target("tenant", found.id, found.slug), changes=told)
    show({"slug": slug, "node": node, "was": was}, as_json)


def create_tenant(slug: str, name: str, admin_email: str, admin_name: str, by_password: bool) -> dict[str, Any]:
    """Provision directly (this shell holds the owner's address), record it, and bring the first administrator in."""
    checked_email(admin_email)
    with tenant_scope(state().platform, "platform"):
        service.refuse_taken(checked_slug(slug))
    try:
        steward.create_tenant(owner_url(), slug=slug, name=name)
    except steward.Refused as refused:
        raise service.refusal(str(refused)) from None
    place = named(slug)
    with acting_in(platform(), "platform", "tenants create") as (session, actor):
        service.record_created(session, actor, place)
    admin = service.first_admin(
        operator(place, "tenants create"), place, email=admin_email, name=admin_name, by_password=by_password,
        by_mail=state().settings.sends_mail, base=state().settings.base_url,
    )  # fmt: skip
    told = {"admin_email" if name == "email" else name: value for name, value in admin.items()}
    return {**_shown(named(slug), _known([place])[0]), **told}


def _turn(slug: str, verb: str, as_json: bool) -> None:
    place = named(slug)
    if verb == "resume" and place.status == "archived":  # this shell holds the owner's address: no need to ask
        steward.make_partitions(owner_url(), tenant=str(place.id))
        turn = turning.resume_prepared
    else:
        turn = getattr(turning, verb)
    with acting_in(platform(), "platform", f"tenants {verb}") as (session, actor):
        changed = turn(session, actor, place).tenant
    show(_shown(changed, _known([changed])[0]), as_json)


def _known(found: list[Tenant]) -> list[dict[str, Any]]:
    ids = [row.id for row in found]
    people, measured, versions = people_counts(_scope(), ids), sizes(_scope(), ids), versions_of(_scope(), ids)
    return [
        {
            "version": versions.get(id),
            "people": people.get(id, 0),
            "database_bytes": measured[id].database_bytes if id in measured else None,
        }
        for id in ids
    ]


def _shown(row: Tenant, known: dict[str, Any]) -> dict[str, Any]:
    return {"slug": row.slug, "name": row.name, "status": row.status, **known, "id": str(row.id)}


def _scope() -> Scope:
    return Scope(state().platform, "platform")
