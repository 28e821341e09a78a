"""What people send to sign in."""

from pydantic import Field

from onyx.edge.http import Body


class SignIn(Body):
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=1024)
    tenant: str | None = Field(None, max_length=40)
    remember: bool = False
