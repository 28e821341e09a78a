"""An archive on its way to the disk: counted, never whole in memory, and looked at before anybody is told of it."""

import os
import re
import shutil
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from config.settings import Settings
from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor
from onyx.core.aside import Full, Lane
from onyx.core.errors import Conflict, Invalid
from onyx.core.ids import uuid7
from onyx.edge.uploads import too_large
from onyx.tenancy.slugs import FORM
from onyx.tenancy.steward import Refused
from onyx.tenancy.whole_files import Counted, placed, remove

from . import parcels
from .frames import Damaged
from .looking import BUSY, LANE, looked_at

WRITING = Lane(width=2, line=100)
_CHUNK = 64 * 1024
_SPARE = 256 * 1024 * 1024  # what stays free for everybody else


def receive(actor: Actor, body: IO[bytes], length: int | None, settings: Settings) -> tuple[UUID, dict[str, Any]]:
    """Keep a request's body as a received archive; returns its id and its header.

    Raises Conflict when too many wait or the disk has no room, TooLarge, Invalid for what is no whole export; nothing
    is kept then.
    """
    _must_have_room(settings.onyx_var, length or 0)
    id = uuid7()
    path = parcels.path_of(settings.onyx_var, id)
    try:
        with placed(path, sync=lambda descriptor: WRITING.run(lambda: os.fsync(descriptor))) as file:
            _write(body, file, length, settings.import_limit)
        header = LANE.run(lambda: looked_at(path))
        record_alone(
            actor, Action.IMPORT_RECEIVED, target("tenant", None, _slug(header)), purpose="platform", parcel=str(id),
            sha256=file.sha256.hex(), size=file.size,
        )  # fmt: skip
        parcels.received(id, _slug(header), file, actor.email, settings.parcel_hours)
    except BaseException as error:
        remove(path)
        if isinstance(error, Damaged):
            raise Invalid(fields={"archive": str(error)}) from None
        if isinstance(error, Full):
            raise Conflict(BUSY) from None
        if isinstance(error, Refused):
            raise Conflict(str(error)) from None
        raise
    return id, header


def _must_have_room(folder: Path, length: int) -> None:
    if parcels.waiting() >= parcels.MOST_WAITING:
        raise Conflict("Too many archives wait here already. Import them, or wait until they are removed.")
    if shutil.disk_usage(folder).free < length + _SPARE:
        raise Conflict("The disk has no room for this archive.")


def _write(body: IO[bytes], file: Counted, length: int | None, most: int) -> None:
    while piece := body.read(_CHUNK):
        file.write(piece)
        if file.size > most:
            raise too_large(most, "An archive")
    if length is not None and file.size != length:
        raise Invalid(fields={"archive": "The upload ended before the archive did."})


def _slug(header: dict[str, Any]) -> str:
    """What the archive calls its organisation, as far as that can be a short name; it may come from anybody."""
    slug: str = header["tenant"]["slug"]
    return slug if re.fullmatch(FORM, slug) else ""
