"""What speaks SCIM is brought at a process's first SCIM request: its models take half a second and ten megabytes."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from pydantic import ValidationError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from onyx.core.errors import OnyxError
from onyx.core.late import Late

if TYPE_CHECKING:
    from . import answers as answers
    from . import discovery as discovery
    from . import groups as groups
    from . import users as users
else:
    answers, discovery, groups, users = (
        Late(f"{__package__}.{name}") for name in ("answers", "discovery", "groups", "users")
    )


class Refused(Exception):
    """What scim2-models refused."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


def judged(view: Callable[..., Response]) -> Callable[..., Response]:
    """A view that may raise SCIM's exceptions, whose class is not there before it is needed."""

    @wraps(view)
    def inside(*given: Any, **found: Any) -> Response:
        try:
            return view(*given, **found)
        except answers.SCIMException as error:
            raise Refused(error) from error

    return inside


def install(blueprint: Blueprint) -> None:
    """Answer every error of these routes in SCIM's shape (RFC 7644, section 3.12)."""
    blueprint.register_error_handler(Refused, lambda refused: answers.scim(refused.error))
    blueprint.register_error_handler(ValidationError, lambda error: answers.invalid(error))  # noqa: PLW0108 - not there yet
    blueprint.register_error_handler(OnyxError, lambda error: answers.onyx(error))  # noqa: PLW0108 - not there yet
    blueprint.register_error_handler(HTTPException, lambda error: answers.http(error))  # noqa: PLW0108 - not there yet
    blueprint.register_error_handler(DataError, lambda _: answers.unstorable())
    blueprint.register_error_handler(UnicodeError, lambda _: answers.unreadable())
