"""What every page may ask: who looks, what they may do, where a static file lies, which theme they chose."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, g, request, url_for

from onyx.core.actor import Actor

from .csrf import csrf_token


def static_version(folder: Path) -> str:
    """Changes when a static file changes, so that its URL can be cached for ever."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            status = path.stat()
            seen.update(f"{path.relative_to(folder)}:{status.st_size}:{status.st_mtime_ns}".encode())
    return seen.hexdigest()[:12]


def install(app: Flask) -> None:
    """Give templates their globals."""

    @app.context_processor
    def globals_of_pages() -> dict[str, Any]:
        actor: Actor | None = g.get("actor")
        theme = request.cookies.get("onyx_theme", "auto") if request else "auto"
        return {
            "actor": actor,
            "can": (lambda permission: actor is not None and actor.may(permission)),
            "csrf_token": lambda: csrf_token(actor.session_id) if actor else "",
            "asset": lambda name: url_for("static", filename=name),
            "theme": theme if theme in ("light", "dark", "auto") else "auto",
        }
