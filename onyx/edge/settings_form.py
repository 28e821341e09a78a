"""What is sent to change an organisation's settings; bounds and meanings are those of onyx.tenancy.settings."""

from typing import Any

from pydantic import ConfigDict, Field, StrictBool, StrictInt, create_model

from onyx.tenancy.settings import PLATFORM_ONLY, TenantSettings

from .http import Body

_HIDDEN = "model_key_sealed"


class Changes(Body):
    """None of it has to be given; a misspelt name must not count as changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_key: str | None = Field(None, max_length=500, description="The service's key; kept sealed, never shown.")


def _fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, known in TenantSettings.model_fields.items():
        if name == _HIDDEN:
            continue
        kind: Any = StrictInt
        if known.default == ():
            kind = list[str]
        elif name in ("model_base_url", "model_name"):
            kind = str
        elif known.default is False:
            kind = StrictBool
        by = " Set by platform admins alone." if name in PLATFORM_ONLY else ""
        fields[name] = (kind | None, Field(None, description=f"{known.description}{by}"))
    return fields


SettingsChange: Any = create_model("SettingsChange", __base__=Changes, **_fields())
