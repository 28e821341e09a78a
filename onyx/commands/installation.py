"""`flask setup`, `migrate`, `doctor`, `urls`: the installation as a whole."""

import shlex
import sys
from typing import Any

import click
import psycopg

from config.settings import data_folder
from onyx import embedded
from onyx.core.db import db
from onyx.edge.bus import platform_id
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.tenancy import boot_check, fit, master_check
from onyx.tenancy import migrate as migration
from onyx.tenants import service

from . import at_rest, tenants
from .migrating import bring_up, show_plan
from .owner import owner_url
from .shell import command, json_option, operator, platform, show


@click.command()
@click.option("--admin-email", prompt="E-mail of the platform's administrator")
@click.option("--admin-name", default="")
@click.option("--organisation", "slug", help="Short name of a first organisation.")
@click.option("--organisation-name", default="")
@click.option("--organisation-admin", help="E-mail of its first administrator.")
@click.option("--another", is_flag=True, help="Make one more administrator of a platform that has one.")
@json_option
@command
def setup(
    admin_email: str,
    admin_name: str,
    slug: str | None,
    organisation_name: str,
    organisation_admin: str | None,
    another: bool,
    as_json: bool,
) -> None:
    """First hour of an installation without the demo: keys, structure, a platform admin, a first organisation."""
    if slug and not organisation_admin:
        raise click.UsageError("--organisation needs --organisation-admin.")
    migration.migrate_all(owner_url(), lambda text: click.echo(text, err=True))
    state().platform = platform_id()  # the database was empty when this command began
    place = platform()
    if service.administered(place) and not another:
        raise click.ClickException(_SET_UP)
    password = service.add_admin(operator(place, "setup"), place, email=admin_email, display_name=admin_name)
    made: dict[str, Any] = {"platform_admin": admin_email.strip().lower(), "password": password}
    if slug and organisation_admin:
        made["organisation"] = tenants.create_tenant(slug, organisation_name or slug, organisation_admin, "", True)
    show(made, as_json)


@click.command()
@click.option("--plan", "planned", is_flag=True, help="Say what would be done, and change nothing.")
@json_option
@command
def migrate(planned: bool, as_json: bool) -> None:
    """Bring the control plane and every organisation to this version."""
    if planned:
        show_plan(as_json)
    else:
        bring_up(as_json, "Everything is at this version.")


@click.command()
@json_option
@command
def doctor(as_json: bool) -> None:
    """Look at everything Onyx needs; exit code 1 when something is wrong, with what to do."""
    found = [_database(), _redis(), _version(), _master_key(), *_walls(), _migrations(), _processes(), *_at_rest()]
    if as_json:
        show(found, True)
    for line in found if not as_json else ():
        click.echo(f"{'ok   ' if line['ok'] else 'WRONG'}  {line['what']}: {line['says']}")
    sys.exit(0 if all(line["ok"] for line in found) else 1)


@click.command()
@json_option
@command
def urls(as_json: bool) -> None:
    """The addresses of this installation's servers, as lines for a shell."""
    found = {
        name: text
        for name, text in embedded.urls(data_folder()).items()
        if name.endswith("_URL") and "SUPERUSER" not in name
    }
    if as_json:
        show(found, True)
    else:
        for name, text in found.items():
            click.echo(f"export {name}={shlex.quote(text)}")


def _line(what: str, ok: bool, says: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "says": says}


def _database() -> dict[str, Any]:
    with db.engine.connect() as connection:
        version = connection.exec_driver_sql("show server_version").scalar_one()
    return _line("PostgreSQL", True, f"answers, version {version}")


def _redis() -> dict[str, Any]:
    store = state().store
    try:
        version = store.call(store.client.info, "server")["redis_version"]
    except Away:
        return _line("Redis", False, "does not answer; Onyx works on, slower. `make services` starts the embedded one")
    return _line("Redis", True, f"answers, version {version}")


def _version() -> dict[str, Any]:
    with db.engine.begin() as connection:
        found = fit.look(connection)
    if found.trouble is not None:
        return _line("version", False, found.trouble)
    late = f"{found.behind} organisations are behind: run `flask migrate`" if found.behind else "fits the database"
    return _line("version", not found.behind, late)


def _master_key() -> dict[str, Any]:
    with db.engine.begin() as connection:
        wrong = master_check.trouble(connection)
    return _line("master key", wrong is None, wrong or "opens the keys of this database")


def _walls() -> list[dict[str, Any]]:
    fallen, belts = boot_check.look()
    found = [_line("isolation", False, text) for text in fallen] or [_line("isolation", True, "every wall stands")]
    return [*found, *(_line("isolation", True, f"without this belt: {text}") for text in belts)]


def _migrations() -> dict[str, Any]:
    address = state().settings.database_owner_url
    if not address:
        return _line("migrations", True, "not looked at: DATABASE_OWNER_URL is not set here")
    try:
        behind = migration.pending(address)
    except psycopg.Error as error:
        return _line("migrations", False, f"the owner cannot log in: {error}")
    return _line(
        "migrations", not behind, "something is behind: run `flask migrate`" if behind else "all at this version"
    )


def _at_rest() -> list[dict[str, Any]]:
    return [_line(what, True, says) for what, says in at_rest.lines(state().settings)]


def _processes() -> dict[str, Any]:
    try:
        alive = state().bus.receipts.alive()
    except Away:
        return _line("web processes", True, "unknown while Redis is away")
    return _line("web processes", True, f"{len(alive)} alive" if alive else "none is running; `make run` starts them")


_SET_UP = (
    "This installation is set up: its platform has an administrator. For one more, add --another; for a password that was"
    " lost: flask users reset-password EMAIL --tenant platform. An organisation is made by flask tenants create."
)
COMMANDS = (setup, migrate, doctor, urls)
