"""One's own picture over HTTP."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import Invalid, NotFound, TooLarge
from onyx.edge.documented import documented
from onyx.edge.http import requires
from onyx.edge.picture import picture_response
from onyx.identity import avatars

from . import pictures, service

blueprint = Blueprint("pictures", __name__)


@blueprint.get("/api/v1/users/me/avatar")
@documented(answers={200: "image/png"})
@requires(Permission.PROFILE_READ, limit="1200/minute")
def own(actor: Actor, session: Session) -> Response:
    assert actor.user_id is not None
    found = avatars.of(session, actor.user_id)
    if found is None:
        raise NotFound()
    return picture_response(found)


@blueprint.put("/api/v1/users/me/avatar")
@documented(body="multipart/form-data")
@requires(Permission.OWN_ACCOUNT, limit="30/minute")
def upload(actor: Actor, session: Session) -> dict[str, Any]:
    """A PNG or JPEG picture as the part `file`: 512 KiB and 1024 × 1024 pixels at most; what else it carries goes."""
    if (request.content_length or 0) > pictures.MOST_BYTES + 16 * 1024:  # with what multipart adds
        raise TooLarge(f"A picture may have {pictures.MOST_BYTES // 1024} KiB at most.")
    sent = request.files.get("file")
    if sent is None:
        raise Invalid(fields={"file": "Send the picture as the part `file` of a multipart form."})
    media_type, content = pictures.cleaned(sent.stream.read(pictures.MOST_BYTES + 1))
    return {"avatar": service.change_picture(session, actor, media_type, content)}


@blueprint.delete("/api/v1/users/me/avatar")
@requires(Permission.OWN_ACCOUNT, limit="30/minute")
def remove(actor: Actor, session: Session) -> dict[str, Any]:
    return {"removed": service.remove_picture(session, actor)}
