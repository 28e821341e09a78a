"""What lies in Redis and on disk, and who listens in which room, without saying whose it is (T7, T9)."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from flask import Flask

from .open_sockets import socketio
from .state import state
from .store import Away, Store

_log = structlog.get_logger()
ROOMS = "onyx:rooms"
FOLDERS = ("archives", "backups", "exports", "files")
_FRESH = 30.0
_MOST = 20
_TENANTS_KEY = re.compile(rb"t:([0-9a-f-]{36}):.")
_ROOM = re.compile(r"t:[0-9a-f-]{36}:.")
_NOBODYS = (b"onyx:", b"rq:")  # of the installation; RQ's jobs carry their tenant inside


def stray_keys(store: Store, tenants: set[UUID]) -> list[str]:
    """Keys in Redis that name neither a tenant that exists nor the installation. Raises Away."""
    found: list[str] = []
    cursor: Any = 0
    known = {str(tenant).encode() for tenant in tenants}
    while True:
        cursor, keys = store.call(store.client.scan, cursor, count=1000)
        found += [_shown(key) for key in keys if _is_stray(key, known)]
        if not int(cursor) or len(found) >= _MOST:
            return sorted(found)[:_MOST]


def _is_stray(key: bytes, tenants: set[bytes]) -> bool:
    whose = _TENANTS_KEY.match(key)
    return whose.group(1) not in tenants if whose else not key.startswith(_NOBODYS)


def _shown(key: bytes) -> str:
    """Enough of a key to find it; a key may hold a name that the report must not spread."""
    return f"{key[:40].decode(errors='replace')}{'…' if len(key) > 40 else ''}"


def stray_rooms(store: Store, alive: list[str]) -> tuple[list[str], list[str]]:
    """Rooms that no tenant's prefix opens, as web processes told of them; and processes that have not told. Raises Away."""
    told = {name.decode(): json.loads(text) for name, text in store.call(store.client.hgetall, ROOMS).items()}
    fresh = {name: one for name, one in told.items() if one["at"] > time.time() - _FRESH}
    strays = sorted({room for one in fresh.values() for room in one["strays"]})[:_MOST]
    return strays, sorted(set(alive) - set(fresh))


def tell_rooms(store: Store, process: str) -> None:
    """Say which rooms of this process do not begin with a tenant. Raises Away."""
    strays = [
        str(room)[:60]
        for rooms in socketio.server.manager.rooms.values()
        for room, inside in list(rooms.items())
        if room is not None and room not in inside and not _ROOM.match(str(room))
    ]
    pipe = store.client.pipeline(transaction=False)
    pipe.hset(ROOMS, process, json.dumps({"at": time.time(), "strays": strays[:_MOST]}))
    pipe.expire(ROOMS, 600)
    store.call(pipe.execute)


def stray_files(folder: Path, tenants: set[UUID]) -> list[str]:
    """What lies in the folders of tenants' data and belongs to none, leads elsewhere, or can be read by others."""
    whose = {tenant.hex for tenant in tenants} | {str(tenant) for tenant in tenants}
    found: list[str] = []
    for kind in FOLDERS:
        for one in sorted((folder / kind).glob("*")) if (folder / kind).is_dir() else ():
            if one.name not in whose and not one.name.startswith("."):
                found.append(f"{kind}/{one.name[:60]} belongs to no organisation")
                continue
            for inside in (one, *sorted(one.rglob("*"))):
                if trouble := _trouble(inside):
                    found.append(f"{inside.relative_to(folder)} {trouble}")
    return found[:_MOST]


def _trouble(path: Path) -> str | None:
    if path.is_symlink():
        return "leads elsewhere"
    mode = path.stat().st_mode & 0o777
    return "can be read by other users of the machine" if not path.is_dir() and mode & 0o077 else None


def start(app: Flask, every: float = 10.0) -> None:
    """Tell of this process's rooms in the background."""

    def run() -> None:
        pause = threading.Event()
        while not pause.wait(every):
            try:
                with app.app_context():
                    tell_rooms(state().store, state().bus.process)
            except Away:
                continue  # the check says that this process has not told
            except Exception:
                _log.exception("rooms not told")

    threading.Thread(target=run, daemon=True, name="rooms").start()
