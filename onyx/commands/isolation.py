"""`flask isolation`: prove that organisations cannot see each other, and check a report that somebody kept."""

import json
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup

from onyx.core.scope import Scope, tenant_scope
from onyx.core.signing import NotGenuine
from onyx.edge.state import state
from onyx.isolation import service
from onyx.isolation.examine import examine
from onyx.tenancy.listing import Tenant, every_tenant
from onyx.tenancy.signing import verify_document

from .shell import acting_in, command, json_option, named, platform, show

isolation = AppGroup("isolation", help="Prove that organisations cannot see each other.")


@isolation.command()
@click.option("--tenant", "slug", metavar="SLUG", help="One organisation; all of them without it.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the signed reports into a folder.")
@json_option
@command
def check(slug: str | None, out: Path | None, as_json: bool) -> None:
    """Check now; ends with 1 when anything did not hold, and says what."""
    places = [named(slug)] if slug else list(every_tenant(Scope(state().platform, "platform")))
    told = []
    with click.progressbar(places, label="Checking", file=click.get_text_stream("stderr"), show_pos=True) as bar:
        for place in bar:
            document = _check(place)
            told.append(document)
            if out:
                out.mkdir(parents=True, exist_ok=True)
                (out / f"isolation-{place.slug}.json").write_text(json.dumps(document, indent=2))
    show(told if as_json else [_line(one) for one in told], as_json, ("organisation", "checks", "result"))
    broken = [one for one in told if not one["content"]["passed"]]
    if not as_json:
        _explain(broken)
    if broken:
        raise SystemExit(1)


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


def _check(place: Tenant) -> dict[str, object]:
    with tenant_scope(place.id, "job:isolation"):
        document = service.report(place.id, examine(place.id))
    with acting_in(place, "job:isolation", "isolation check") as (session, actor):
        failed = service.keep(session, actor, document, json.dumps(document))
    service.tell_platform(place.id, UUID(document["content"]["id"]), failed)
    return document


def _line(document: dict[str, object]) -> dict[str, object]:
    content: dict[str, object] = document["content"]  # type: ignore[assignment]
    checks: list[dict[str, object]] = content["checks"]  # type: ignore[assignment]
    failed = [str(check["name"]) for check in checks if not check["passed"]]
    where: dict[str, str] = content["organisation"]  # type: ignore[assignment]
    return {
        "organisation": where["slug"],
        "checks": len(checks),
        "result": f"FAILED: {', '.join(failed)}" if failed else "ok",
    }


def _explain(broken: list[dict[str, object]]) -> None:
    for document in broken:
        content: dict[str, object] = document["content"]  # type: ignore[assignment]
        for one in content["checks"]:  # type: ignore[attr-defined]
            for found in one["found"]:
                click.echo(f"{content['organisation']['slug']}: {one['title']}: {found}", err=True)  # type: ignore[index]
