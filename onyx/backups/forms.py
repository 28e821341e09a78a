"""What platform admins send about backups."""

from pydantic import Field

from onyx.edge.http import Body
from onyx.tenancy.slugs import FORM


class Restore(Body):
    """Beside the original as `slug`; without it in place, which takes the organisation's short name in `confirm`."""

    slug: str | None = Field(None, pattern=FORM)
    confirm: str = Field("", max_length=40)
    node: str | None = Field(None, max_length=60, description="On which database machine the copy is to lie.")


class Import(Body):
    """A received archive becomes a new organisation."""

    slug: str = Field(pattern=FORM)
    passphrase: str = Field(min_length=1, max_length=200)
    node: str | None = Field(None, max_length=60, description="On which database machine it is to lie.")
