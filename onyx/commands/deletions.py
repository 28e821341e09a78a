"""`flask tenants delete` and `certificate`: both steps of a deletion at the shell, and what proves it afterwards."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from onyx.core.scope import Scope, tenant_scope
from onyx.core.signing import NotGenuine
from onyx.edge import queue
from onyx.edge.state import state
from onyx.tenancy import signing
from onyx.tenancy.listing import Tenant
from onyx.tenancy.steward import Refused
from onyx.tenants import deletion as deletions
from onyx.tenants import removal
from onyx.tenants.written import CERTIFICATE

from .owner import owner_url
from .shell import acting_in, command, json_option, named, platform, show
from .tenants import tenants


@tenants.command()
@click.argument("slug")
@click.option("--confirm", "typed", metavar="SLUG", help="The short name once more, instead of the question.")
@click.option("--reason", default="", help="Kept with the certificate.")
@click.option("--cancel", is_flag=True, help="Take back a deletion that waits.")
@json_option
@command
def delete(slug: str, typed: str | None, reason: str, cancel: bool, as_json: bool) -> None:
    """Delete an organisation with all that it has: it closes at once, and goes when the waiting time is over.

    Stopped at any point, run it again: it does the rest. What remains is a signed certificate.
    """
    place = named(slug)
    if cancel:
        with acting_in(platform(), "platform", "tenants delete") as (_, actor):
            show(_plain(deletions.cancel(actor, place)), as_json)
        return
    typed = typed if typed is not None else click.prompt(f"Type the short name, {place.slug}, to delete it for ever")
    found = _asked(place, typed, reason)
    if found.state == "requested":
        click.echo(f"{place.slug} is closed. Run this again from {found.confirm_from:%Y-%m-%d %H:%M} UTC on.", err=True)
    else:
        _carry_out(found)
        found = _known(place.slug)
    show(_plain(found), as_json)


@tenants.command()
@click.argument("slug", required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the certificate to a file.")
@click.option(
    "--check", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check a certificate's file."
)
@json_option
@command
def certificate(slug: str | None, out: Path | None, check: Path | None, as_json: bool) -> None:
    """The certificate of a deleted organisation, or a check of one: exit code 1 when this installation did not sign it."""
    if (slug is None) == (check is None):
        raise click.UsageError("Give either the short name or --check FILE.")
    made = _read(check) if check else _known(slug or "").certificate
    if made is None:
        raise click.ClickException(f"There is no certificate of {slug!r} yet.")
    try:
        with tenant_scope(state().platform, "platform"):
            content = signing.verify_document(made, CERTIFICATE)
    except NotGenuine as error:
        click.echo(f"NOT GENUINE: {error}", err=True)
        sys.exit(1)
    if out:
        out.write_text(json.dumps(made, indent=2))
    if check and not as_json:
        told = content["tenant"]
        click.echo(f"genuine: {told['name']} ({told['slug']}) was deleted, done {content['finished_at']}")
    elif not out or as_json:
        show(made, True)


def _asked(place: Tenant, typed: str, reason: str) -> deletions.Deletion:
    """Ask for the deletion, and confirm it where nobody has to wait."""
    wait = state().settings.tenant_deletion_wait_hours * 3600
    with acting_in(platform(), "platform", "tenants delete") as (session, actor):
        found = deletions.request(session, actor, place, typed=typed, reason=reason, wait=wait)
    if found.state == "confirmed" or not found.may_be_confirmed:
        return found
    with acting_in(platform(), "platform", "tenants delete") as (session, actor):
        return deletions.confirm(session, actor, named(place.slug), typed=typed, deletion_id=found.id)


def _carry_out(found: deletions.Deletion) -> None:
    """This shell holds the owner's address: it does the steward's work, unless the steward was faster."""
    settings, url = state().settings, owner_url()
    with queue.connect(settings.redis_rq_url or settings.redis_url) as queues:
        removal.install(
            removal.Means(state().store, queues, settings.onyx_var, timedelta(days=settings.physical_backup_days))
        )
        with click.progressbar(length=len(removal.STEPS), label=f"Deleting {found.slug}", file=sys.stderr) as bar:
            try:
                removal.delete_tenant(url, deletion=str(found.id), tell=lambda _: bar.update(1))
            except Refused as refused:
                _wait_for_the_steward(found, refused)


def _wait_for_the_steward(found: deletions.Deletion, refused: Refused) -> None:
    """The steward was asked too and may have begun. Ends the command when it does not finish within two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if _known(found.slug).state == "done":
            return
        time.sleep(0.2)
    raise click.ClickException(str(refused))


def _known(slug: str) -> deletions.Deletion:
    found = deletions.last_of(Scope(state().platform, "platform"), slug.strip().lower())
    if found is None:
        raise click.ClickException(f"No deletion of {slug!r} was ever asked for.")
    return found


def _plain(row: deletions.Deletion) -> dict[str, Any]:
    return {
        "id": str(row.id), "slug": row.slug, "state": row.state, "requested_at": row.requested_at,
        "confirm_from": row.confirm_from, "confirmed_at": row.confirmed_at, "finished_at": row.finished_at,
    }  # fmt: skip


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise click.ClickException(f"{path} is not JSON.") from None
