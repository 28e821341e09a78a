"""What people send about roles."""

from uuid import UUID

from pydantic import Field, field_validator

from onyx.edge.http import Body


class Named(Body):
    @field_validator("name", check_fields=False)
    @classmethod
    def not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("Give a name.")
        return value.strip() if value is not None else None


class NewRole(Named):
    """A role of the organisation's own. Permissions are those of `GET /api/v1/permissions` that are `grantable`."""

    name: str = Field(min_length=1, max_length=60)
    description: str = Field("", max_length=300)
    permissions: list[str] = Field(min_length=1, max_length=60)


class RoleChange(Named):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=60)
    description: str | None = Field(None, max_length=300)
    permissions: list[str] | None = Field(None, min_length=1, max_length=60)


class Preview(Body):
    """What would be saved; without permissions, as if the role were deleted. Without `role_id` it is a new role."""

    role_id: UUID | None = None
    permissions: list[str] = Field(default_factory=list, max_length=60)
