"""What people send who forgot their password."""

from pydantic import Field

from onyx.edge.http import Body


class ResetRequest(Body):
    email: str = Field(min_length=3, max_length=254)
    tenant: str | None = Field(None, max_length=40)


class Reset(Body):
    token: str = Field(min_length=1, max_length=200)
    new: str = Field(min_length=1, max_length=1024)
