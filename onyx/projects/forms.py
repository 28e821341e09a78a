"""What people send about projects."""

from pydantic import Field, field_validator

from onyx.edge.http import Body


class Reader(Body):
    """A colleague, by the address with which they sign in."""

    email: str = Field(min_length=3, max_length=254)


class ProjectName(Body):
    name: str = Field(min_length=1, max_length=120)

    @field_validator("name")
    @classmethod
    def one_line(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be blank")
        return " ".join(value.split())
