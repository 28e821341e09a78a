"""Where an archive goes, and whether it may go there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from onyx.core.ids import uuid7
from onyx.tenancy import nodes
from onyx.tenancy.slugs import checked_slug
from onyx.tenancy.steward import Refused

from .keyring import made_here
from .tables import Connection

LONGEST_NAME = 120
_THERE = """
select slug, node, status, exists (select from onyx.legal_hold h where h.tenant_id = t.id) as held
  from onyx.tenant t where id = %s
"""


@dataclass(frozen=True, slots=True)
class Aim:
    """A tenant that is there already is replaced, another one is made; `own`: the archive is of this installation."""

    tenant: UUID
    slug: str
    in_place: bool
    own: bool = True
    node: str = nodes.MAIN


def aim_of(main: Connection, header: dict[str, Any], slug: str | None, node: str | None = None) -> Aim:
    """In place where the organisation lies; beside, or anew, on the node named, else where the original lies.

    Raises Refused, and Invalid for a short name that cannot be.
    """
    origin = UUID(header["tenant"]["id"])
    there = main.execute(_THERE, [origin]).fetchone()
    wanted, own = slug or header["tenant"]["slug"], made_here(header, main)
    if slug is None and there is not None:
        _may_be_replaced(there, own, node)
        return Aim(origin, there[0], True, node=there[1])
    if main.execute("select id from onyx.tenant where slug = %s", [wanted]).fetchone() is not None:
        raise Refused(f"There is an organisation {wanted!r} already. Choose another short name.")
    checked_slug(wanted)  # an export's own, too: whoever made it may have called it what they liked
    if not 1 <= len(header["tenant"]["name"].strip()) <= LONGEST_NAME or "\x00" in header["tenant"]["name"]:
        raise Refused("The archive names an organisation as Onyx does not.")
    where = node or (there[1] if there is not None else nodes.MAIN)
    return Aim(uuid7() if there is not None or slug else origin, wanted, False, own, where)


def _may_be_replaced(there: Any, own: bool, node: str | None) -> None:
    if there[0] == "platform":
        raise Refused("The platform itself is not restored in place: it holds who may do so. Use --as.")
    if there[2] == "deleting":
        raise Refused("This organisation is being deleted: nothing of it comes back.")
    if node not in (None, there[1]):
        raise Refused(f"This organisation lies on the node {there[1]!r} and is restored there. Move it afterwards.")
    if there[3]:
        raise Refused("A legal hold keeps everything of this organisation. Restore it beside, or lift the hold first.")
    if not own:
        raise Refused("Another installation made this archive: it replaces nobody here. Use --as.")
