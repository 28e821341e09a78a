"""`flask migrate`: every organisation to this version, with a bar for people and JSON for programs."""

import sys
from typing import Any

import click

from onyx.tenancy import migrate as migration

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
