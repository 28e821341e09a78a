"""What all commands share: who acts, how answers are printed, how refusals end."""

import getpass
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
from flask.cli import with_appcontext
from pydantic import ValidationError
from sqlalchemy.orm import Session

from onyx.core.actor import Actor, Request
from onyx.core.clock import rfc3339
from onyx.core.db import unit_of_work
from onyx.core.errors import OnyxError
from onyx.core.ids import uuid7
from onyx.core.master import Wrong
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.state import state
from onyx.tenancy.listing import Tenant
from onyx.tenancy.listing import tenant as known_tenant

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
tenant_option = click.option("--tenant", "slug", required=True, metavar="SLUG", help="The organisation.")


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run inside the application; a refusal is told in one sentence with exit code 1."""

    @with_appcontext
    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except Wrong as error:
            raise click.ClickException(f"ONYX_MASTER_KEY: {error}.") from None
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise click.ClickException(told) from None
        except OnyxError as error:
            fields = " ".join(f"{name}: {text}" for name, text in (error.fields or {}).items())
            raise click.ClickException(f"{error.message} {fields}".strip()) from None

    return run


def operator(place: Tenant, route: str) -> Actor:
    """The person at the shell: no user of any tenant, named by their system account."""
    request = Request(uuid7().hex, "CLI", route)
    name = f"operator {getpass.getuser()}"
    return Actor(place.id, place.slug, place.name, None, "", name, kind="operator", request=request)


def platform() -> Tenant:
    """The platform's own tenant."""
    found = known_tenant(Scope(state().platform, "platform"), state().platform)
    assert found is not None
    return found


def named(slug: str) -> Tenant:
    """The organisation of that short name; ends the command when there is none."""
    found = known_tenant(Scope(state().platform, "platform"), slug=slug.strip().lower())
    if found is None:
        raise click.ClickException(f"There is no organisation {slug!r}. `flask tenants list` names them.")
    return found


@contextmanager
def acting_in(place: Tenant, purpose: str, route: str) -> Iterator[tuple[Session, Actor]]:
    """A unit of work in an organisation."""
    with tenant_scope(place.id, purpose), unit_of_work() as session:
        yield session, operator(place, route)


def show(data: Any, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print rows as a table, one thing as lines, or anything as JSON."""
    if as_json:
        click.echo(json.dumps(data, default=_plain, indent=2))
    elif isinstance(data, list):
        _table(data, columns)
    else:
        for name, value in data.items():
            click.echo(f"{name.replace('_', ' ')}: {_word(value)}")


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    lines = [
        [column.replace("_", " ") for column in columns],
        *([_word(row[column]) for column in columns] for row in rows),
    ]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(_plain(value) if hasattr(value, "isoformat") else value)


def _plain(value: Any) -> Any:
    return rfc3339(value) if hasattr(value, "isoformat") else str(value)
