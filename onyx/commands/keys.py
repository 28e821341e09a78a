"""`flask keys`: which keys there are, and replacing them."""

import sys
from typing import Any
from uuid import UUID

import click
import psycopg
from flask.cli import AppGroup

from config.settings import data_folder
from onyx.access.resealing import reseal
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core import master
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.state import state
from onyx.embedded import new_master
from onyx.identity import changes
from onyx.tenancy import key_custody, key_rotation, key_rounds, master_check, sealed_settings, signing
from onyx.tenancy.listing import Tenant, every_tenant

from .owner import owner_url
from .shell import acting_in, command, json_option, named, operator, platform, show

keys = AppGroup("keys", help="See and replace the keys that seal files and secrets, and the one that signs.")
LOST = "all files are lost"
_COLUMNS = ("slug", "version", "since", "people", "rotation")
_STATUS = """
select t.slug, k.version, k.created_at as since, k.settled_at, t.id,
       (select count(distinct u.user_id) from onyx.user_key u where u.tenant_id = t.id) as people
  from onyx.tenant t left join onyx.tenant_key k on k.tenant_id = t.id and k.retired_at is null order by t.slug
"""


@keys.command()
@json_option
@command
def status(as_json: bool) -> None:
    """The master key, the signing key, and each organisation's."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        tenants = [_line(*row) for row in owner.execute(_STATUS).fetchall()]
        signs = next((known for known in signing.public_keys(owner) if known.retired_at is None), None)
        pending = master_check.pending(owner)
    told = {
        "master_key": master.installed()[0].id.hex(),
        "master_rotation": "under way: run `flask keys rotate-master`" if pending else "none",
        "signing_key": signs.public.id if signs else None,
    }
    if as_json:
        show({**told, "tenants": tenants}, True)
        return
    show(told, False)
    show(tenants, False, _COLUMNS)


@keys.command("rotate-master")
@click.option("--yes", is_flag=True, help="Every process was restarted with both keys; do not ask.")
@json_option
@command
def rotate_master(yes: bool, as_json: bool) -> None:
    """Wrap all keys under a new master key: told how to give it first, then done when run again."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        if not master_check.pending(owner):
            _prepare(as_json)
            return
        if not yes:
            click.confirm("Was every process restarted since the new master key was given?", abort=True)
        done = key_rotation.rotate_master(owner, _progress("keys wrapped anew", as_json))
    with acting_in(platform(), "platform", "keys rotate-master") as (session, actor):
        record(
            session, actor, Action.MASTER_KEY_ROTATED, target("master_key", master.installed()[0].id.hex()), keys=done
        )
    forgotten = new_master.forget_previous(data_folder())
    told = "" if forgotten else " Take ONYX_MASTER_KEY_PREVIOUS away from every process."
    show({"wrapped": done, "state": f"Done.{told}"}, as_json)


@keys.command()
@click.option("--tenant", "slug", metavar="SLUG", help="The organisation.")
@click.option("--all", "every", is_flag=True, help="All organisations, one after the other.")
@click.option("--anew", is_flag=True, help="With --all: begin a new round, also if one was interrupted.")
@json_option
@command
def rotate(slug: str | None, every: bool, anew: bool, as_json: bool) -> None:
    """Give an organisation and each of its people a new key, and seal everything anew; may be stopped and run again:
    it goes on with what is left.
    """
    if bool(slug) == every or (slug and anew):
        raise click.UsageError("Say --tenant SLUG or --all.")
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        done = [_rotate(owner, named(slug), as_json)] if slug else _rotate_all(owner, anew, as_json)
    show(done, as_json, ("slug", "version", "people", "sealed"))


@keys.command("abandon-master")
@click.option("--confirm", "said", metavar="WORDS", help=f"Instead of being asked: {LOST!r}.")
@json_option
@command
def abandon_master(said: str | None, as_json: bool) -> None:
    """The master key is lost for ever: begin anew with ONYX_MASTER_KEY. See docs/operations/keys.md first."""
    if said is None:
        said = click.prompt(f"Files, stored secrets and backups can then never be opened. Type {LOST!r}")
    if said != LOST:
        raise click.ClickException("Nothing was changed.")
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        gone = key_custody.abandon_master(owner)
    with acting_in(platform(), "platform", "keys abandon-master") as (session, actor):
        what = target("master_key", master.installed()[0].id.hex())
        record(session, actor, Action.MASTER_KEY_ABANDONED, what, keys=gone)
    show({"destroyed": gone, "state": "Restart Onyx, then make a backup."}, as_json)


@keys.command("renew-signing")
@json_option
@command
def renew_signing(as_json: bool) -> None:
    """Sign with a new key from now on; what the old one signed stays good."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        public = signing.renew(owner)
    with acting_in(platform(), "platform", "keys renew-signing") as (session, actor):
        record(session, actor, Action.SIGNING_KEY_RENEWED, target("signing_key", public.id))
    show({"signing_key": public.id}, as_json)


def _rotate_all(owner: psycopg.Connection, anew: bool, quiet: bool) -> list[dict[str, Any]]:
    """Those that have no new key yet since the round began; returns what was done now."""
    began, goes_on = key_rounds.begin(owner, anew)
    places = list(every_tenant(Scope(state().platform, "platform")))
    left = [place for place in places if not key_rounds.is_done(owner, began, place.id)]
    if goes_on:  # also told to a script: organisations that have theirs from that round get none now
        told = f"Going on with the round that began at {rfc3339(began)}: {len(places) - len(left)} of {len(places)} are done."
        click.echo(f"{told} (--anew begins a new one.)", err=True)
    done = [_rotate(owner, place, quiet) for place in left]
    key_rounds.end(owner)
    return done


def _rotate(owner: psycopg.Connection, place: Tenant, quiet: bool) -> dict[str, Any]:
    version = key_rotation.begin_tenant(owner, place.id)
    people = key_rotation.renew_people(owner, place.id, _progress(f"{place.slug}: people", quiet))
    actor = operator(place, "keys rotate")
    with tenant_scope(place.id, "job:keys"), unit_of_work() as session:
        record(session, actor, Action.KEYS_ROTATED, target("tenant", place.id, place.slug), version=version)
        changes.tenant_changed(session, place.id, "keys_rotated")
    with tenant_scope(place.id, "job:keys"):
        sealed = reseal(actor, unit_of_work, _progress(f"{place.slug}: sealed anew", quiet))
    sealed += sealed_settings.seal_anew(owner, place.id)
    key_rotation.settle(owner, place.id, version)
    return {"slug": place.slug, "version": version, "people": people, "sealed": sealed}


def _prepare(as_json: bool) -> None:
    """Nothing to wrap yet: make the new key where Onyx keeps it itself, else say how to give one."""
    made = new_master.make(data_folder())
    if made:
        told = f"A new master key is in {made}, the present one beside it. Restart Onyx, then run this again."
    else:
        told = (
            "Give every process the present key as ONYX_MASTER_KEY_PREVIOUS and a new one (openssl rand -base64 32) as"
            " ONYX_MASTER_KEY, restart them all, then run this again."
        )
    show({"state": told, "wrapped": 0}, as_json)


def _line(slug: str, version: int | None, since: Any, settled_at: Any, id: UUID, people: int) -> dict[str, Any]:
    rotation = "under way: run `flask keys rotate` again" if (version or 1) > 1 and settled_at is None else "none"
    return {"slug": slug, "version": version, "since": since, "people": people, "rotation": rotation, "id": id}


def _progress(what: str, quiet: bool) -> key_rotation.Tell:
    def tell(done: int, total: int) -> None:
        if not quiet and sys.stderr.isatty():
            click.echo(f"\r{what}: {done} of {max(done, total)}", nl=done >= total, err=True)

    return tell
