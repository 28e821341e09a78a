"""`flask migrate`: every organisation to this version, with a bar for people and JSON for programs; its plan."""

import sys
from typing import Any

import click

from onyx.tenancy import migrate as migration
from onyx.tenancy.fit import WrongVersion

from .owner import owner_url
from .shell import show


def bring_up(as_json: bool, done: str) -> None:
    """Migrate everything; ends with exit code 1, naming each organisation that could not be, when there are any."""
    said: list[str] = []
    failed: dict[str, str] = {}
    migrated = 0
    with Bar("Migrating organisations", quiet=as_json) as progress:
        try:
            migrated = migration.migrate_all(owner_url(), said.append, progress=progress)
        except WrongVersion as trouble:
            raise click.ClickException(str(trouble)) from None
        except migration.MigrationFailed as trouble:
            failed = trouble.failed
            migrated = progress.seen - len(failed)
    if as_json:
        show({"migrated": migrated, "said": said, "failed": failed}, True)
    else:
        click.echo("\n".join([*said, *([done] if not failed else [])]))
    if failed:
        told = f"{len(failed)} organisation{'s' if len(failed) > 1 else ''} stayed behind: see /platform/migrations."
        if not as_json:
            click.echo(told, err=True)
        sys.exit(1)


def show_plan(as_json: bool) -> None:
    """What `flask migrate` would do now; it changes nothing."""
    found = migration.plan(owner_url())
    if as_json:
        show(found, True)
        return
    for one in found["platform"]:
        click.echo(f"control plane: {_named(one)}")
    for one in found["tenant"]:
        click.echo(f"organisations: {_named(one)} ({one['organisations']} lack it)")
    if not found["platform"] and not found["tenant"]:
        click.echo("Nothing to do: everything is at this version.")
    elif found["safe"]:
        click.echo("All of it adds: processes of the version before go on serving meanwhile, and can be started again.")
    else:
        click.echo("Stop every process of the version before first: it cannot work with what is marked (!).")
    for slug, why in found["failed"].items():
        click.echo(f"failed before: {slug}, {why}")
    newer = found["unknown"]["platform"] + found["unknown"]["tenant"]
    if newer:
        click.echo(f"This version does not know, and does not need: {', '.join(newer)}.")


def _named(one: dict[str, Any]) -> str:
    why = f" (!) {one['needs_newer_code']}" if one["needs_newer_code"] else ""
    return f"{one['version']:04} {one['name']}{why}"


class Bar:
    """A bar on a terminal, made when it is known how many there are; nothing when `quiet`."""

    def __init__(self, label: str, quiet: bool) -> None:
        self.seen = 0
        self._label, self._quiet = label, quiet
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def __call__(self, done: int, total: int) -> None:
        self.seen = done
        if self._quiet:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(1)
