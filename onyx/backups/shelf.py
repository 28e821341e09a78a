"""Where archives lie: `backups/<tenant>/<id>.onyx` in Onyx's data folder, mode 0600, there as a whole or not at all."""

from pathlib import Path
from uuid import UUID

from onyx.tenancy.whole_files import drop


def shelf(folder: Path, tenant: UUID) -> Path:
    """The folder of one tenant's backups."""
    return folder / "backups" / tenant.hex


def path_of(folder: Path, tenant: UUID, id: UUID) -> Path:
    return shelf(folder, tenant) / f"{id.hex}.onyx"


def clear(folder: Path, tenant: UUID, known: set[UUID]) -> None:
    """Remove what interrupted runs left; the caller holds the tenant's lock, and `known` are the backups that are done."""
    names = {path_of(folder, tenant, id).name for id in known}
    for path in shelf(folder, tenant).glob("*.onyx*"):
        if path.name not in names:
            drop(path)
