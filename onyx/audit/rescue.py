"""The last resort when the trail cannot be written: a line on disk that says so, and an error in the log (A2)."""

import json
import os
from pathlib import Path

import structlog

from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339

_log = structlog.get_logger()
_folder: Path | None = None


def install(folder: Path) -> None:
    """Set the folder of the rescue log (var/spool)."""
    global _folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _folder = folder


def write_rescue(actor: Actor, action: str, error: Exception) -> None:
    """Append one line, flushed to disk: what could not be recorded, of whom, why."""
    line = {
        "at": rfc3339(now()),
        "tenant": str(actor.tenant_id),
        "user": str(actor.user_id or ""),
        "action": action,
        "request": actor.request.id,
        "error": type(error).__name__,
    }
    _log.error("audit event could not be written", **line)
    if _folder is not None:
        with (_folder / "rescue.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
