"""`flask tenants`: organisations."""

from typing import Any

import click
from flask.cli import AppGroup

from onyx.core.scope import Scope
from onyx.edge.state import state
from onyx.tenancy import steward
from onyx.tenancy.ledger import versions_of
from onyx.tenancy.listing import Tenant, every_tenant, people_counts
from onyx.tenants import service

from .migrating import bring_up
from .owner import owner_url
from .shell import acting_in, command, json_option, named, operator, platform, show

tenants = AppGroup("tenants", help="Create, see, suspend, resume and migrate organisations.")
_COLUMNS = ("slug", "name", "status", "version", "people", "id")


@tenants.command()
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
@click.option("--admin-email", required=True, help="The first administrator; the password is printed once.")
@click.option("--admin-name", default="")
@json_option
@command
def create(slug: str, name: str, admin_email: str, admin_name: str, as_json: bool) -> None:
    """Create an organisation with its first administrator."""
    show(create_tenant(slug, name, admin_email, admin_name), as_json)


@tenants.command("list")
@json_option
@command
def list_all(as_json: bool) -> None:
    """All organisations."""
    show(_all_shown(list(every_tenant(_scope()))), as_json, _COLUMNS)


@tenants.command("show")
@click.argument("slug")
@json_option
@command
def show_one(slug: str, as_json: bool) -> None:
    """One organisation."""
    place = named(slug)
    show({**_shown(place), "created_at": place.created_at, "suspended_at": place.suspended_at}, as_json)


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
def resume(slug: str, as_json: bool) -> None:
    """Open a suspended organisation again."""
    _turn(slug, "resume", as_json)


@tenants.command()
@json_option
@command
def migrate(as_json: bool) -> None:
    """Bring every organisation to this version; may be stopped and run again."""
    bring_up(as_json, "All organisations are at this version.")


def create_tenant(slug: str, name: str, admin_email: str, admin_name: str) -> dict[str, Any]:
    """Provision directly (this shell holds the owner's address), record it, and make the first administrator."""
    try:
        steward.create_tenant(owner_url(), slug=slug, name=name)
    except steward.Refused as refused:
        why = {
            "taken": f"There is an organisation {slug!r} already.",
            "malformed": "The short name has 3 to 40 letters, digits and hyphens.",
        }
        raise click.ClickException(why.get(str(refused), str(refused))) from None
    place = named(slug)
    with acting_in(platform(), "platform", "tenants create") as (session, actor):
        service.record_created(session, actor, place)
    password = service.add_admin(operator(place, "tenants create"), place, email=admin_email, display_name=admin_name)
    return {**_shown(named(slug)), "admin_email": admin_email.strip().lower(), "password": password}


def _turn(slug: str, verb: str, as_json: bool) -> None:
    with acting_in(platform(), "platform", f"tenants {verb}") as (session, actor):
        changed = getattr(service, verb)(session, actor, named(slug))
    show(_shown(changed), as_json)


def _shown(row: Tenant) -> dict[str, Any]:
    return _all_shown([row])[0]


def _all_shown(found: list[Tenant]) -> list[dict[str, Any]]:
    """Three queries, whatever their number."""
    ids = [row.id for row in found]
    people, versions = people_counts(_scope(), ids), versions_of(_scope(), ids)
    return [
        {
            "slug": row.slug,
            "name": row.name,
            "status": row.status,
            "version": versions.get(row.id),
            "people": people.get(row.id, 0),
            "id": str(row.id),
        }
        for row in found
    ]


def _scope() -> Scope:
    return Scope(state().platform, "platform")
