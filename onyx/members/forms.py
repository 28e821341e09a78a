"""What administrators send about people."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from onyx.edge.http import Body


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie before the year 10000 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class NewPerson(Body):
    """Without a password a random one is made, and shown once in the answer. `until` says when some roles end."""

    email: str = Field(min_length=3, max_length=254)
    display_name: str = Field("", max_length=120)
    roles: list[str] = Field(default_factory=lambda: ["user"], min_length=1, max_length=20)
    password: str | None = Field(None, min_length=1, max_length=1024)
    until: dict[str, Moment] | None = Field(None, max_length=20)


class People(Body):
    """Each as NewPerson; one that is malformed is refused by itself."""

    users: list[dict[str, Any]] = Field(min_length=1, max_length=100)


class PersonChange(Body):
    email: str | None = Field(None, min_length=3, max_length=254)
    display_name: str | None = Field(None, min_length=1, max_length=120)


class Removal(Body):
    """`transfer_to`: the id of whoever receives the projects that others read; without it they go too."""

    transfer_to: str | None = Field(None, max_length=100)


class Roles(Body):
    """Exactly these roles. `until` says when some of them end; without it, roles held already keep their end."""

    roles: list[str] = Field(min_length=1, max_length=20)
    until: dict[str, Moment] | None = Field(None, max_length=20)
