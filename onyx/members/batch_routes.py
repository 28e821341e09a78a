"""Many people at once over the API, each by itself: what is wrong with one keeps no other out (X8)."""

from typing import Any

from flask import Blueprint
from pydantic import ValidationError
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import OnyxError
from onyx.edge.errors import invalid
from onyx.edge.http import body, requires

from . import service
from .forms import NewPerson, People

blueprint = Blueprint("people_batch", __name__)


@blueprint.post("/api/v1/users/batch")
@requires(Permission.USERS_MANAGE, limit="20/minute", fresh=True)
def create_many(actor: Actor, _session: Session) -> dict[str, Any]:
    """At most 100 people, as `POST /api/v1/users` takes each; the result for each stands at its place in the list.

    A result is `created` with the person's id and, where none was given, the password, shown here only; or `refused`
    with the error that the single call would answer.
    """
    results = [_one(actor, index, wanted) for index, wanted in enumerate(body(People).users)]
    made = sum(result["result"] == "created" for result in results)
    return {"results": results, "created": made, "refused": len(results) - made}


def _one(actor: Actor, index: int, wanted: dict[str, Any]) -> dict[str, Any]:
    try:
        form = NewPerson.model_validate(wanted)
        with unit_of_work() as session:
            id, made = service.create(session, actor, **form.model_dump())
    except ValidationError as error:
        return _refused(index, invalid(error))
    except OnyxError as error:
        return _refused(index, error)
    return {"index": index, "result": "created", "id": id, "email": form.email.strip().lower(), "password": made}


def _refused(index: int, error: OnyxError) -> dict[str, Any]:
    told = {"code": error.code, "message": error.message, **({"fields": error.fields} if error.fields else {})}
    return {"index": index, "result": "refused", "error": told}
