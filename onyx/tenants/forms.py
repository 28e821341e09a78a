"""What platform admins send about organisations."""

from typing import Literal

from pydantic import Field, field_validator

from onyx.edge.http import Body
from onyx.edge.settings_form import SettingsChange
from onyx.tenancy.slugs import FORM


class Named(Body):
    @field_validator("name", check_fields=False)
    @classmethod
    def not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("Give a name.")
        return value.strip() if value is not None else None


class NewTenant(Named):
    """An organisation and its first administrator, who is invited by mail, or by a link that the answer shows once."""

    slug: str = Field(pattern=FORM, description="3 to 40 letters, digits and hyphens; it never changes.")
    name: str = Field(min_length=1, max_length=120)
    admin_email: str = Field(min_length=3, max_length=254)
    admin_name: str = Field("", max_length=120)
    sign_in: Literal["invitation", "password"] = "invitation"


class TenantChange(Named):
    """A new name, or what platform admins write down for each other; the short name never changes."""

    name: str | None = Field(None, min_length=1, max_length=120)
    notes: str | None = Field(None, max_length=4000)
    settings: SettingsChange | None = None


class Deletion(Body):
    """First asked for, then, with the id that the first answer gave, confirmed; both by typing the short name."""

    slug: str = Field(min_length=1, max_length=60, description="The organisation's short name, typed in full.")
    reason: str = Field("", max_length=500)
    deletion_id: str | None = Field(None, max_length=36, description="Confirms the deletion that was asked for.")


class NewAdmin(Body):
    """Another administrator: invited by mail or by a link that the answer shows once, or with a one-time password."""

    email: str = Field(min_length=3, max_length=254)
    display_name: str = Field("", max_length=120)
    sign_in: Literal["invitation", "password"] = "invitation"
