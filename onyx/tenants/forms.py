"""What platform admins send about organisations."""

from pydantic import Field, field_validator

from onyx.edge.http import Body

SLUG = r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"
RESERVED = frozenset({"admin", "api", "audit", "login", "onyx", "platform", "static", "system", "www"})


class Named(Body):
    @field_validator("name", check_fields=False)
    @classmethod
    def not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("Give a name.")
        return value.strip() if value is not None else None


class NewTenant(Named):
    """An organisation with its first administrator."""

    slug: str = Field(pattern=SLUG, description="3 to 40 letters, digits and hyphens; it never changes.")
    name: str = Field(min_length=1, max_length=120)
    admin_email: str = Field(min_length=3, max_length=254)
    admin_name: str = Field("", max_length=120)

    @field_validator("slug")
    @classmethod
    def free_to_use(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError("This name is kept for Onyx itself.")
        return value


class TenantChange(Named):
    name: str | None = Field(None, min_length=1, max_length=120)


class NewAdmin(Body):
    email: str = Field(min_length=3, max_length=254)
    display_name: str = Field("", max_length=120)
