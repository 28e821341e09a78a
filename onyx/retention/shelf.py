"""Where archived logs lie: `archives/<tenant>/access_entry_202601-<id>.onyxlog` in Onyx's data folder, the signed
manifest beside it as `.json`.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from onyx.tenancy.whole_files import drop, placed, remove


def folder_of(folder: Path, tenant: UUID) -> Path:
    """The folder of one tenant's archived logs."""
    return folder / "archives" / tenant.hex


def name_of(partition: str, id: UUID) -> str:
    return f"{partition}-{id.hex}.onyxlog"


def put_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Lay the signed manifest beside its file."""
    with placed(path.with_suffix(".json")) as file:
        file.write(json.dumps(manifest, indent=2, ensure_ascii=False).encode())


def take_away(path: Path) -> None:
    """Remove a file with its manifest, and have the disk know."""
    drop(path.with_suffix(".json"))
    remove(path)


def clear(folder: Path, tenant: UUID, known: set[str]) -> None:
    """Remove what interrupted runs left: everything but the files of these names and their manifests."""
    for path in folder_of(folder, tenant).glob("*"):
        if path.name.partition(".")[0] not in {name.partition(".")[0] for name in known}:
            drop(path)
