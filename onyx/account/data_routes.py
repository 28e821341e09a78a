"""A person's own data over HTTP: everything at once, and its end."""

from collections.abc import Iterator
from typing import IO, Any

from flask import Blueprint, Response, render_template, stream_with_context
from sqlalchemy.orm import Session

from onyx.access.kept import kept
from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, tenant_scope
from onyx.edge.documented import documented
from onyx.edge.http import body, requires
from onyx.edge.state import state
from onyx.tenancy import erasure

from . import service
from .forms import Farewell
from .personal_data import collected

blueprint = Blueprint("own_data", __name__)
_CHUNK = 64 * 1024


@blueprint.get("/settings/data")
@requires(Permission.OWN_ACCOUNT)
def page(_actor: Actor, session: Session) -> str:
    return render_template("settings/data.html", kept=kept(session))


@blueprint.get("/api/v1/users/me/data")
@requires(Permission.OWN_ACCOUNT, limit="20/hour", fresh=True)
@documented(answers={200: "application/zip"})
def everything(actor: Actor, session: Session) -> Response:
    """Everything that is kept about the person, as a ZIP."""
    service.note_export(session, actor)
    made = collected(session, actor)
    response = Response(stream_with_context(_pieces(actor, made)), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="onyx-my-data.zip"'
    return response


@blueprint.post("/api/v1/users/me/erase")
@requires(Permission.OWN_ACCOUNT, limit="20/hour", fresh=True)
def erase(actor: Actor, _session: Session) -> dict[str, Any]:
    """Erase one's own account and everything in it, for ever; the answer holds the signed certificate.

    The certificate is null when the key could not be destroyed at once: a job does that within a minute.
    """
    form = body(Farewell)
    assert actor.user_id is not None
    with tenant_scope(actor.tenant_id, "admin", actor.user_id, actor.session_id), unit_of_work() as session:
        service.erase(session, actor, form.email)
    ended = erasure.one(Scope(actor.tenant_id, erasure.PURPOSE), actor.user_id)
    return {"erased": True, "certificate": ended.certificate if ended else None}


def _pieces(actor: Actor, made: IO[bytes]) -> Iterator[bytes]:
    """The ZIP, until the session that asked for it ends (S5)."""
    with made, state().streams.open(actor, uuid7(), Permission.OWN_ACCOUNT) as stream:
        while not stream.stopped.is_set() and (piece := made.read(_CHUNK)):
            yield piece
