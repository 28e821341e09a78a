"""`flask tenants set`: settings and quotas of an organisation."""

from typing import Any

import click

from onyx.access.settings import KEY, change_of, shown
from onyx.edge.session_policy import defaults
from onyx.edge.settings_form import SettingsChange
from onyx.tenancy.settings import TenantSettings

from .shell import acting_in, command, json_option, named, platform, show
from .tenants import tenants


@tenants.command("set")
@click.argument("slug")
@click.argument("settings", nargs=-1, required=True, metavar="NAME=VALUE…")
@json_option
@command
def set_settings(slug: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Change settings and quotas: `quota_users=50 email_domains=a.example,b.example ip_allow=none`."""
    place = named(slug)
    wanted = SettingsChange.model_validate(dict(_named_value(one) for one in settings)).model_dump(exclude_unset=True)
    with acting_in(platform(), "platform", "tenants set") as (session, actor):
        changed = change_of(session, actor, place, wanted, defaults())
    show(shown(changed), as_json)


def _named_value(text: str) -> tuple[str, Any]:
    """`name=value` as what a form takes: numbers, yes and no, lists with commas, `none` for the default."""
    name, given, value = text.partition("=")
    known = TenantSettings.model_fields.get(name)
    if not given or (known is None and name != KEY):
        names = ", ".join(sorted(TenantSettings.model_fields.keys() - {"model_key_sealed"} | {KEY}))
        raise click.ClickException(f"{text!r}: write NAME=VALUE with one of {names}.")
    if value.lower() in ("", "none", "null"):
        return name, None
    if known is not None and known.default == ():
        return name, [part.strip() for part in value.split(",")]
    if known is not None and known.default is False and value.lower() in ("yes", "true", "no", "false"):
        return name, value.lower() in ("yes", "true")
    return name, int(value) if value.isdecimal() and not name.startswith("model_") else value
