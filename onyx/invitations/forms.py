"""What people send to invite, and to accept."""

from pydantic import Field

from onyx.access.inviting import DAYS
from onyx.edge.http import Body


class NewInvitation(Body):
    email: str = Field(min_length=3, max_length=254)
    display_name: str = Field("", max_length=120)
    roles: list[str] = Field(default_factory=lambda: ["user"], min_length=1, max_length=20)
    days: int = Field(DAYS, ge=1, le=30, description="For how many days the link holds.")


class Opened(Body):
    """The secret of the link, which is what stands behind the `#`."""

    token: str = Field(min_length=1, max_length=200)


class Accepted(Opened):
    display_name: str = Field("", max_length=120)
    password: str = Field(min_length=1, max_length=1024)
