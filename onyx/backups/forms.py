"""What platform admins send about backups."""

from pydantic import Field

from onyx.edge.http import Body

SLUG = r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"


class Restore(Body):
    """Beside the original as `slug`; without it in place, which takes the organisation's short name in `confirm`."""

    slug: str | None = Field(None, pattern=SLUG)
    confirm: str = Field("", max_length=40)
