"""What people send to make a key."""

from pydantic import Field

from onyx.edge.http import Body


class NewKey(Body):
    name: str = Field(min_length=1, max_length=80)
    permissions: list[str] = Field(min_length=1, max_length=100)
    expires_in_days: int = Field(90, ge=1, le=366)
