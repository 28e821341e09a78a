"""Exports that are handed out and archives that come in, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, stream_with_context
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.errors import NotFound
from onyx.core.ids import uuid7
from onyx.core.scope import current_scope
from onyx.edge.documented import documented
from onyx.edge.http import Page, body, ok, requires
from onyx.edge.state import state
from onyx.edge.uploads import must_fit
from onyx.tenancy.listing import Tenant

from . import parcels, queries, receiving, service
from .forms import Import
from .parcels import Parcel
from .routes import known_node

blueprint = Blueprint("parcels", __name__)
_CHUNK = 64 * 1024
ARCHIVE = "application/octet-stream"


@blueprint.get("/api/v1/parcels")
@requires(Permission.TENANTS_READ)
def listed(_actor: Actor, _session: Session) -> Page:
    """The last twenty exports and received archives, the newest first."""
    return Page(queries.parcels_shown(), None)


@blueprint.post("/api/v1/tenants/<tenant_id>/exports")
@requires(Permission.TENANTS_MANAGE, of=queries.tenant, limit="30/minute", fresh=True)
def export(actor: Actor, _session: Session, tenant: Tenant) -> Response:
    """Ask for an archive that another installation can open; its passphrase is in this answer and nowhere else."""
    id, parcel, passphrase = service.export(actor, tenant)
    return ok({**queries.requests(id)[0], "parcel_id": parcel, "passphrase": passphrase}, status=202)


@blueprint.get("/api/v1/exports/<parcel_id>/file")
@requires(Permission.TENANTS_MANAGE, of=queries.parcel, limit="30/minute", fresh=True)
@documented(answers={200: ARCHIVE})
def download(actor: Actor, session: Session, parcel: Parcel) -> Response:
    """The archive as a file, while it is kept."""
    if parcel.direction != "export":
        raise NotFound()
    path = parcels.path_of(state().settings.onyx_var, parcel.id)
    if not parcel.may_be_fetched or not path.exists():
        raise NotFound("This export is not here any more. Make a new one.")
    service.note_download(session, actor, parcel)
    answer = Response(stream_with_context(_pieces(actor, path)), content_type=ARCHIVE)
    answer.content_length = path.stat().st_size
    answer.headers["Content-Disposition"] = f'attachment; filename="{parcel.slug}-{parcel.created_at:%Y%m%d}.onyx"'
    return answer


@blueprint.post("/api/v1/imports")
@requires(Permission.TENANTS_MANAGE, limit="30/minute", fresh=True)
@documented(body=ARCHIVE)
def receive(actor: Actor, _session: Session) -> Response:
    """An export as the body of the request; it is looked at, and nothing is made of it yet."""
    settings = state().settings
    must_fit(settings.import_limit, "An archive")
    length = request.content_length
    id, header = receiving.receive(actor, request.stream, length, settings)
    found = parcels.one(current_scope(), id)
    assert found is not None
    return ok({**queries.shown_parcel(found), "archive": _told(header)}, status=201)


@blueprint.post("/api/v1/imports/<parcel_id>/start")
@requires(Permission.TENANTS_MANAGE, of=queries.parcel, limit="10/minute", fresh=True)
def start(actor: Actor, _session: Session, parcel: Parcel) -> Response:
    """Make a new organisation of a received archive; every part of it is opened before the steward is asked."""
    if parcel.direction != "import":
        raise NotFound()
    form, path = body(Import), parcels.path_of(state().settings.onyx_var, parcel.id)
    node = known_node(form.node)
    id = service.bring_in(actor, parcel, path, slug=form.slug, passphrase=form.passphrase, node=node)
    return ok(queries.requests(id)[0], status=202)


def _told(header: dict[str, Any]) -> dict[str, Any]:
    """What an archive says of itself; nobody has vouched for it yet."""
    return {"slug": header["tenant"]["slug"], "name": header["tenant"]["name"], "created_at": header["created_at"]}


def _pieces(actor: Actor, path: Path) -> Iterator[bytes]:
    """The file, until the session that asked for it ends (S5)."""
    with state().streams.open(actor, uuid7(), Permission.TENANTS_MANAGE) as stream, open(path, "rb") as file:
        while not stream.stopped.is_set() and (piece := file.read(_CHUNK)):
            yield piece
