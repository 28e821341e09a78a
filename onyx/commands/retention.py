"""`flask retention`: what would go, applying it now, legal holds, and reading archived logs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from onyx.core.ids import parse_id
from onyx.core.scope import Scope, tenant_scope
from onyx.core.signing import NotGenuine
from onyx.edge.state import state
from onyx.retention import archiving, chats, queries, service, shelf
from onyx.retention.log_file import Archive, Damaged, read, sha256_of
from onyx.tenancy.listing import Tenant, every_tenant
from onyx.tenancy.settings import of
from onyx.tenancy.signing import verify_document
from onyx.tenancy.steward import Refused
from onyx.tenancy.walls import control_plane

from .owner import owner_url
from .shell import acting_in, command, json_option, named, operator, platform, show, tenant_option

retention = AppGroup("retention", help="See what would go, apply it, hold it, and read archived access logs.")
_one_or_all = click.option("--tenant", "slug", metavar="SLUG", help="One organisation; without it, all open ones.")
_ARCHIVE = (
    "select id, tenant_id, log_partition, name, sha256, manifest from log_archive where id = %s and state = 'dropped'"
)


@retention.command()
@_one_or_all
@click.option("--chat-days", type=click.IntRange(0, 36_500), help="As if chats were kept so long; 0: without end.")
@click.option("--access-days", type=click.IntRange(0, 36_500), help="As if the access log were kept so long.")
@json_option
@command
def preview(slug: str | None, chat_days: int | None, access_days: int | None, as_json: bool) -> None:
    """What would go now, by the rules as they are or by other ones."""
    found = []
    for place in _places(slug):
        settings = of(place.settings)
        with acting_in(place, "platform", "retention preview") as (session, _):
            told = queries.overview(
                session, settings,
                settings.retention_chat_days if chat_days is None else chat_days or None,
                settings.retention_access_days if access_days is None else access_days or None,
            )  # fmt: skip
        found.append({"tenant": place.slug, **told})
    show(found if as_json else [_line(one) for one in found], as_json, _COLUMNS)


@retention.command()
@_one_or_all
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@command
def apply(slug: str | None, yes: bool, as_json: bool) -> None:
    """Apply the rules now: chats are set aside, come back or go, months of the access log are archived and dropped."""
    if not yes:
        click.confirm("Chats that have been set aside for a week are deleted for ever. Go on?", abort=True)
    done, failed = [], False
    for place in _places(slug):
        try:
            done.append(_apply(place))
        except (Refused, Damaged) as error:  # one organisation keeps no other
            failed = True
            done.append({"tenant": place.slug, **dict.fromkeys(_APPLIED[1:-1]), "error": str(error)})
    show(done, as_json, _APPLIED)
    if failed:
        raise SystemExit(1)


@retention.command()
@tenant_option
@click.option("--on/--off", "on", required=True, default=None, help="Put it on, or lift it.")
@click.option("--reason", default="", help="For whoever reads the trail.")
@json_option
@command
def hold(slug: str, on: bool, reason: str, as_json: bool) -> None:
    """A legal hold: while it is on, retention deletes nothing of an organisation."""
    place = named(slug)
    with tenant_scope(state().platform, "platform"):
        found = service.hold_of(operator(platform(), "retention hold"), place, on, reason[:500])
    show({"tenant": place.slug, "legal_hold": queries.hold_shown(found)}, as_json)


@retention.command()
@tenant_option
@json_option
@command
def archives(slug: str, as_json: bool) -> None:
    """Months of an access log that were archived and dropped."""
    with tenant_scope(state().platform, "platform"):
        found, _ = queries.archives(named(slug).id, 1000, None)
    show(found, as_json, ("id", "month", "entries", "size", "sha256"))


@retention.command("read")
@click.argument("id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output.")
@command
def read_archive(id: str, out: Path | None) -> None:
    """Prove that an archived month is what was signed, and write its lines (one JSON object each)."""
    row = _known(id)
    path = shelf.folder_of(state().settings.onyx_var, row.tenant_id) / row.name
    try:
        with tenant_scope(state().platform, "platform"):
            content = verify_document(row.manifest, archiving.KIND)
        if not path.exists() or sha256_of(path).hex() != content["file"]["sha256"] or content["id"] != str(row.id):
            raise Damaged(f"{path} is not the file of the signed manifest.")
        with click.open_file(str(out) if out else "-", "w") as file:
            for line in read(path, Archive(row.id, row.tenant_id)):
                file.write(f"{line}\n")
    except (Damaged, NotGenuine) as error:
        raise click.ClickException(str(error)) from None


def _apply(place: Tenant) -> dict[str, Any]:
    actor = operator(place, "retention apply")
    if place.status != "active":
        raise Refused("It is closed: nothing is deleted before it is open again.")

    @contextmanager
    def work() -> Iterator[Session]:
        with acting_in(place, chats.PURPOSE, "retention apply") as (session, _):
            yield session

    applied = chats.apply(actor, work, lambda _done, _total: None)
    archived = archiving.archive(owner_url(), state().settings.onyx_var, place.id, actor)
    return {
        "tenant": place.slug,
        "chats_set_aside": applied.set_aside,
        "chats_brought_back": applied.brought_back,
        "chats_removed": applied.removed,
        "months_archived": archived["months"],
        "entries_archived": archived["entries"],
        "error": None,
    }


_APPLIED = (
    "tenant", "chats_set_aside", "chats_brought_back", "chats_removed", "months_archived", "entries_archived", "error",
)  # fmt: skip
_COLUMNS = ("tenant", "chat_days", "chats", "set_aside", "access_days", "months", "entries", "legal_hold")


def _places(slug: str | None) -> list[Tenant]:
    if slug is not None:
        return [named(slug)]
    return [place for place in every_tenant(Scope(state().platform, "platform")) if place.status == "active"]


def _line(one: dict[str, Any]) -> dict[str, Any]:
    about, log = one["chats"], one["access_log"]
    return {
        "tenant": one["tenant"],
        "chat_days": about["preview"]["days"],
        "chats": about["preview"]["chats"],
        "set_aside": about["set_aside"]["chats"],
        "access_days": log["preview"]["days"],
        "months": log["preview"]["months"],
        "entries": log["preview"]["entries"],
        "legal_hold": one["legal_hold"]["since"] if one["legal_hold"] else None,
    }


def _known(id: str) -> Any:
    wanted: UUID | None = parse_id(id)
    with control_plane(Scope(state().platform, "platform")) as connection:
        found = connection.exec_driver_sql(_ARCHIVE, (wanted,)).one_or_none() if wanted else None
    if found is None:
        raise click.ClickException("There is no such archive. `flask retention archives --tenant SLUG` names them.")
    return found
