"""Work that the one who asked must not be able to time: done after, and beside, the answer."""

import threading
from collections.abc import Callable

import structlog
from flask import Flask, current_app

_log = structlog.get_logger()


def later(work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own (a greenlet under gevent) with an application context.

    It dies with the process: for what whoever asked can ask for again.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_run, args=(app, work), daemon=True, name="later").start()


def _run(app: Flask, work: Callable[[], None]) -> None:
    try:
        with app.app_context():
            work()
    except Exception:
        _log.exception("work after an answer failed")
