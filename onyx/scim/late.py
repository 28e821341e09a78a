"""What speaks SCIM is brought at a process's first SCIM request: its models take half a second and ten megabytes.

They are made aside, so that no socket of the process waits meanwhile. `late.answers` and the others are modules.
"""

import importlib
import threading
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from pydantic import ValidationError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from onyx.core.aside import aside
from onyx.core.errors import OnyxError

if TYPE_CHECKING:
    from . import answers, discovery, groups, users

    __all__ = ["answers", "discovery", "groups", "users"]

_LATE = ("answers", "discovery", "groups", "users")
_bringing = threading.Lock()


class Refused(Exception):
    """What scim2-models refused."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


def __getattr__(name: str) -> ModuleType:
    """The first use of one of them brings all (PEP 562)."""
    if name not in _LATE:
        raise AttributeError(name)
    with _bringing:
        if name not in globals():
            globals().update(aside(_bring))
    found: ModuleType = globals()[name]
    return found


def _bring() -> dict[str, ModuleType]:
    return {name: importlib.import_module(f".{name}", __package__) for name in _LATE}


def judged(view: Callable[..., Response]) -> Callable[..., Response]:
    """A view that may raise SCIM's exceptions, whose class is not there before it is needed."""

    @wraps(view)
    def inside(*given: Any, **found: Any) -> Response:
        words = _words()
        try:
            return view(*given, **found)
        except words.SCIMException as error:
            raise Refused(error) from error

    return inside


def install(blueprint: Blueprint) -> None:
    """Answer every error of these routes in SCIM's shape (RFC 7644, section 3.12)."""
    blueprint.register_error_handler(Refused, lambda refused: _words().scim(refused.error))
    blueprint.register_error_handler(ValidationError, lambda error: _words().invalid(error))
    blueprint.register_error_handler(OnyxError, lambda error: _words().onyx(error))
    blueprint.register_error_handler(HTTPException, lambda error: _words().http(error))
    blueprint.register_error_handler(DataError, lambda _: _words().unstorable())
    blueprint.register_error_handler(UnicodeError, lambda _: _words().unreadable())


def _words() -> Any:
    return globals().get("answers") or __getattr__("answers")
