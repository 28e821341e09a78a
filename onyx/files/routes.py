"""Files over HTTP, and their page."""

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.errors import Invalid, NotFound
from onyx.core.ids import parse_id
from onyx.core.pages import cursor_of, cut, parse_cursor
from onyx.edge.documented import documented
from onyx.edge.http import Page, ok, query_int, requires
from onyx.edge.state import state
from onyx.edge.uploads import ENVELOPE, must_fit, too_large

from . import queries, service

blueprint = Blueprint("files", __name__)


@blueprint.get("/files")
@requires(Permission.CHAT_USE)
def page(_actor: Actor, _session: Session) -> str:
    return render_template("files/page.html")


@blueprint.get("/api/v1/files")
@requires(Permission.CHAT_USE)
def list_files(actor: Actor, session: Session) -> Page:
    limit = query_int("limit", 50, 1, 200)
    after = parse_cursor(request.args.get("after"))
    project_id = _project(request.args.get("project_id"))
    found = queries.page_of_files(session, actor, limit + 1, after, project_id)
    shown, following = cut(found, limit, cursor_of)
    return Page([_shown(row) for row in shown], following)


@blueprint.post("/api/v1/files")
@requires(Permission.FILES_UPLOAD, limit="120/minute")
@documented(body="multipart/form-data")
def upload(actor: Actor, session: Session) -> Response:
    """A text file as the part `file`, perhaps with a `project_id`."""
    most = state().settings.upload_limit
    must_fit(most, "A file", ENVELOPE)
    sent = request.files.get("file")
    if sent is None:
        raise Invalid(fields={"file": "Send the file as the part `file` of a multipart form."})
    raw = sent.stream.read(most + 1)
    if len(raw) > most:
        raise too_large(most, "A file")
    project_id = _project(request.form.get("project_id"))
    return ok(_shown(service.upload(session, actor, name=sent.filename, raw=raw, project_id=project_id)), status=201)


@blueprint.get("/api/v1/files/<file_id>")
@requires(Permission.CHAT_USE, of=queries.readable)
def one_file(_actor: Actor, _session: Session, readable: Any) -> dict[str, Any]:
    return {**_shown(readable), "sha256": readable.sha256}


@blueprint.get("/api/v1/files/<file_id>/content")
@requires(Permission.CHAT_USE, of=queries.text)
@documented(query={"download": {"type": "string", "enum": ["1"]}}, answers={200: "text/plain"})
def content(actor: Actor, session: Session, text: queries.Text) -> Response:
    """The text, never as anything that a browser would run. That of a colleague is told in the trail."""
    if text.shared:
        service.opened_by_another(session, actor, text)
    response = Response(text.content, content_type="text/plain; charset=utf-8")
    if request.args.get("download") == "1":
        plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in text.name)
        named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(text.name, safe='')}"
        response.headers["Content-Disposition"] = named
    return response


@blueprint.delete("/api/v1/files/<file_id>")
@requires(Permission.CHAT_USE, of=queries.file)
def delete_file(actor: Actor, session: Session, file: Any) -> dict[str, Any]:
    service.remove(session, actor, file)
    return {"id": str(file.id), "deleted": True}


def _project(text: str | None) -> Any:
    if not text:
        return None
    found = parse_id(text)
    if found is None:
        raise NotFound()
    return found


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "project_id": row.project_id and str(row.project_id),
        "name": row.name,
        "media_type": row.media_type,
        "size": row.size,
        "created_at": rfc3339(row.created_at),
    }
