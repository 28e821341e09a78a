"""What platform admins send about backups."""

from pydantic import Field

from onyx.edge.http import Body
from onyx.tenancy.slugs import FORM


class Restore(Body):
    """Beside the original as `slug`; without it in place, which takes the organisation's short name in `confirm`."""

    slug: str | None = Field(None, pattern=FORM)
    confirm: str = Field("", max_length=40)
