"""What people may change of their own account."""

from typing import Any

from pydantic import Field, field_validator

from onyx.edge.http import Body
from onyx.identity.avatars import PREFERENCE

MOST_PREFERENCES = 8_000


class ProfileChange(Body):
    display_name: str | None = Field(None, min_length=1, max_length=120)
    preferences: dict[str, Any] | None = None

    @field_validator("preferences")
    @classmethod
    def small(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None and PREFERENCE in value:
            raise ValueError("says `avatar`, which comes by PUT /api/v1/users/me/avatar")
        if value is not None and len(repr(value)) > MOST_PREFERENCES:
            raise ValueError(f"may hold {MOST_PREFERENCES} characters at most")
        return value


class Farewell(Body):
    email: str = Field(min_length=1, max_length=254, description="One's own, so that nobody erases by mistake.")


class PasswordChange(Body):
    current: str = Field(min_length=1, max_length=1024)
    new: str = Field(min_length=1, max_length=1024)
    revoke_keys: bool = Field(False, description="Also revoke all of one's API keys.")
