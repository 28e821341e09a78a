"""`flask isolation`: prove that organisations cannot see each other, and check a report that somebody kept."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from onyx.core.errors import OnyxError
from onyx.core.scope import Scope, tenant_scope
from onyx.core.signing import NotGenuine
from onyx.edge.state import state
from onyx.isolation import service
from onyx.isolation.examine import examine
from onyx.tenancy.listing import Tenant, every_tenant
from onyx.tenancy.signing import verify_document

from .shell import acting_in, command, json_option, named, platform, show

WORKERS = 2
isolation = AppGroup("isolation", help="Prove that organisations cannot see each other.")


@isolation.command()
@click.option("--tenant", "slug", metavar="SLUG", help="One organisation; all of them without it.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the signed reports into a folder.")
@json_option
@command
def check(slug: str | None, out: Path | None, as_json: bool) -> None:
    """Check now; ends with 1 when anything did not hold, and says what."""
    places = [named(slug)] if slug else list(every_tenant(Scope(state().platform, "platform")))
    if out:
        out.mkdir(parents=True, exist_ok=True)
    told: list[dict[str, Any]] = []
    missed: list[str] = []
    with click.progressbar(length=len(places), label="Checking", file=sys.stderr, show_pos=True) as bar:
        for place, document, trouble in _each(places):
            bar.update(1)
            if document is None:
                missed.append(f"{place.slug} could not be checked: {trouble}")
                continue
            told.append(document)
            if out:
                (out / f"isolation-{place.slug}.json").write_text(json.dumps(document, indent=2))
    show(told if as_json else [_line(one) for one in told], as_json, ("organisation", "checks", "result"))
    broken = [one for one in told if not one["content"]["passed"]]
    if not as_json:
        _explain(broken)
    click.echo("".join(f"{line}\n" for line in missed), err=True, nl=False)
    if broken or missed:
        raise SystemExit(1)


def _each(places: list[Tenant]) -> Iterator[tuple[Tenant, dict[str, Any] | None, str]]:
    """Each organisation with its report, or why there is none; two at a time, since most of it is waiting for answers."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def one(place: Tenant) -> tuple[Tenant, dict[str, Any] | None, str]:
        try:
            with app.app_context():
                return place, _check(place), ""
        except (OnyxError, SQLAlchemyError) as trouble:  # deleted or restored at this moment: it keeps no other
            return place, None, type(trouble).__name__

    with ThreadPoolExecutor(WORKERS, "isolation") as pool:
        try:
            yield from pool.map(one, places)
        finally:
            pool.shutdown(cancel_futures=True)


@isolation.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command
def verify(report: Path) -> None:
    """Say whether a kept report is genuine: signed by this installation and unchanged."""
    try:
        with tenant_scope(platform().id, "platform"):
            content = verify_document(json.loads(report.read_text()), service.KIND)
    except (NotGenuine, ValueError) as error:
        raise click.ClickException(f"This report is not genuine: {error}") from None
    result = "everything held" if content["passed"] else "something did not hold"
    click.echo(f"Genuine: {content['organisation']['name']}, {content['checked_at']}, {result}.")


def _check(place: Tenant) -> dict[str, Any]:
    with tenant_scope(place.id, "job:isolation"):
        document = service.report(place.id, examine(place.id))
    with acting_in(place, "job:isolation", "isolation check") as (session, actor):
        failed = service.keep(session, actor, document, json.dumps(document))
    service.tell_platform(place.id, UUID(document["content"]["id"]), failed)
    return document


def _line(document: dict[str, Any]) -> dict[str, Any]:
    content = document["content"]
    failed = [one["name"] for one in content["checks"] if not one["passed"]]
    return {
        "organisation": content["organisation"]["slug"],
        "checks": len(content["checks"]),
        "result": f"FAILED: {', '.join(failed)}" if failed else "ok",
    }


def _explain(broken: list[dict[str, Any]]) -> None:
    for document in broken:
        content = document["content"]
        for one in content["checks"]:
            for found in one["found"]:
                click.echo(f"{content['organisation']['slug']}: {one['title']}: {found}", err=True)
