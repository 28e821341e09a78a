"""The owner's address: only the shell and the steward have it."""

import click

from onyx.edge.state import state


def owner_url() -> str:
    """DATABASE_OWNER_URL; ends the command when this shell does not have it."""
    found = state().settings.database_owner_url
    if not found:
        raise click.ClickException("DATABASE_OWNER_URL is not set: structure can only be changed by its owner.")
    return found
