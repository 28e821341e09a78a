"""What administrators send to set up single sign-on."""

from pydantic import Field

from onyx.edge.http import Body


class SetUp(Body):
    issuer: str = Field(min_length=8, max_length=400)
    client_id: str = Field(min_length=1, max_length=400)
    client_secret: str | None = Field(None, min_length=1, max_length=1000)
    domains: list[str] = Field(min_length=1, max_length=50)
    default_role: str = Field("user", max_length=80)
    create_people: bool = True
    enabled: bool = True
