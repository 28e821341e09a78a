"""`flask backups`, `flask tenants export|restore`: by the same functions as the steward, with a bar that moves."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
from flask.cli import AppGroup

from onyx.backups import aftermath, making, restore
from onyx.backups.dump import nothing
from onyx.backups.operations import bring_back
from onyx.core.clock import rfc3339
from onyx.core.db import said
from onyx.core.ids import parse_id
from onyx.core.scope import Scope
from onyx.edge.state import state
from onyx.tenancy import backup_ledger
from onyx.tenancy.listing import Tenant, every_tenant
from onyx.tenancy.steward import Refused

from .owner import owner_url
from .shell import command, json_option, named, operator, platform, show

backups = AppGroup("backups", help="Make, see, try and bring back backups of organisations.")
_COLUMNS = ("id", "tenant", "state", "kind", "size", "created_at", "drill")
_PAGE = 500
_beside = click.option("--as", "slug", metavar="SLUG", help="Beside the original, under this short name.")
_node = click.option("--node", metavar="NODE", help="Beside: on which database machine; else where the original lies.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@backups.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG]…")
@json_option
@command
def create(slugs: tuple[str, ...], as_json: bool) -> None:
    """Make a backup of the organisations named, or of all."""
    places = [named(slug) for slug in slugs] or list(every_tenant(Scope(state().platform, "platform")))
    failed: list[str] = []
    if len(places) == 1:
        with _bar(places[0].slug, as_json) as tell:
            made = [_make(places[0], tell)]
    else:
        made, failed = _make_all(places, as_json)
    show(made, as_json, ("id", "tenant", "size", "path"))
    if failed:
        raise click.ClickException("\n".join([f"{len(failed)} of {len(places)} could not be saved:", *failed]))


def _make(place: Tenant, tell: Callable[[int, int], None] = nothing) -> dict[str, Any]:
    actor = operator(platform(), "backups create")
    return making.make(owner_url(), state().settings.onyx_var, place.id, actor, tell=tell)


def _make_all(places: list[Tenant], as_json: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """What was made, and of which organisations it could not be, and why: one that fails keeps no other."""
    made, failed = [], []
    with click.progressbar(length=len(places), label="Saving", file=sys.stderr, hidden=as_json, show_pos=True) as bar:
        for place in places:
            try:
                made.append(_make(place))
            except (Refused, psycopg.Error) as error:
                failed.append(f"{place.slug}: {said(error) if isinstance(error, psycopg.Error) else error}")
            bar.update(1)
    return made, failed


@backups.command("list")
@click.option("--tenant", "slug", metavar="SLUG", help="Of one organisation.")
@click.option("--limit", type=click.IntRange(1), help="The newest so many; all without it.")
@json_option
@command
def list_all(slug: str | None, limit: int | None, as_json: bool) -> None:
    """Backups, the newest first."""
    show([_shown(row) for row in islice(_each(named(slug).id if slug else None), limit)], as_json, _COLUMNS)


def _each(tenant: UUID | None) -> Iterator[backup_ledger.Backup]:
    after: UUID | None = None
    while page := backup_ledger.backups(Scope(state().platform, "platform"), _PAGE, after, tenant):
        yield from page
        after = page[-1].id


@backups.command("restore")
@click.argument("id")
@_beside
@_node
@_yes
@json_option
@command
def bring(id: str, slug: str | None, node: str | None, yes: bool, as_json: bool) -> None:
    """Restore a backup: in place of the organisation, or beside it with --as."""
    actor, settings = operator(platform(), "backups restore"), state().settings
    _ask(slug, yes)
    with _bar("restore", as_json) as tell:
        made = bring_back(owner_url(), settings, _id(id), actor, slug, tell, node)
    show(made, as_json)


@backups.command()
@click.argument("id")
@json_option
@command
def drill(id: str, as_json: bool) -> None:
    """Try whether a backup can be restored, where nobody sees it; exit code 1 when it cannot."""
    actor, folder = operator(platform(), "backups drill"), state().settings.onyx_var
    with _bar("drill", as_json) as tell:
        went = making.rehearse(owner_url(), folder, _id(id), actor, tell)
    show(went, as_json)


@click.command("export")
@click.argument("slug")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@json_option
@command
def export_tenant(slug: str, out: Path, as_json: bool) -> None:
    """Write an organisation to a file that another installation can restore; the passphrase is shown once."""
    place, actor = named(slug), operator(platform(), "tenants export")
    with _bar(place.slug, as_json) as tell:
        passphrase = making.export(owner_url(), out, place.id, actor, tell=tell)
    show({"file": str(out), "size": out.stat().st_size, "passphrase": passphrase}, as_json)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@_beside
@_node
@click.option("--passphrase", envvar="ONYX_PASSPHRASE", help="Of an export; asked for when it is needed.")
@_yes
@json_option
@command
def restore_tenant(
    file: Path, slug: str | None, node: str | None, passphrase: str | None, yes: bool, as_json: bool
) -> None:
    """Restore an organisation from a file: an export, or a backup of this installation."""
    _ask(slug, yes)
    if passphrase is None and restore.needs_passphrase(file):
        passphrase = click.prompt("Passphrase", hide_input=True)
    actor = operator(platform(), "tenants restore")
    with _bar("restore", as_json) as tell:
        made = restore.restore(owner_url(), restore.Source(file, passphrase), actor, slug, tell, node=node)
    made = aftermath.tell(state().store, made)
    show(made, as_json)


@contextmanager
def _bar(label: str, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; what is refused is told in one sentence."""
    try:
        shown = click.progressbar(length=1000, label=label, file=sys.stderr, hidden=as_json)
        with shown as bar:

            def move(done: int, total: int) -> None:
                bar.update(max(0, 1000 * done // max(total, 1) - bar.pos))

            yield move
    except Refused as refused:
        raise click.ClickException(str(refused)) from None


def _ask(slug: str | None, yes: bool) -> None:
    if slug is None and not yes:
        click.confirm(
            "Without --as this replaces the organisation, if it is there, and signs everybody out. Go on?", abort=True
        )


def _shown(row: backup_ledger.Backup) -> dict[str, Any]:
    tried = {None: "", True: "ok", False: "failed"}[row.drill_ok]
    return {
        "id": str(row.id), "tenant": row.slug, "state": row.state, "kind": row.kind, "size": row.size,
        "created_at": rfc3339(row.created_at), "drill": tried, "error": row.error,
    }  # fmt: skip


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise click.ClickException("This is no id. `flask backups list` names them.")
    return found
