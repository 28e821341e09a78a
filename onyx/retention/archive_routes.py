"""Archived months of the access log, for auditors: the list, each one's signed manifest, and its lines."""

import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from flask import Blueprint, Response, request, stream_with_context
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.errors import Conflict
from onyx.core.ids import uuid7
from onyx.core.pages import parse_id_cursor
from onyx.core.scope import current_scope
from onyx.edge.documented import documented
from onyx.edge.http import Page, query_int, requires
from onyx.edge.state import state
from onyx.tenancy.holds import hold_of
from onyx.tenancy.settings import settings_of

from . import queries, shelf
from .log_file import Archive, Damaged, read, sha256_of

blueprint = Blueprint("log_archives", __name__)
_CHUNK = 64 * 1024
_IN_MEMORY = 4 * 1024 * 1024


@blueprint.get("/api/v1/access-log/retention")
@requires(Permission.AUDIT_READ)
def rules(_actor: Actor, _session: Session) -> dict[str, Any]:
    """For how long chats and the access log are kept, in days (null: without end), and whether a legal hold keeps all."""
    scope = current_scope()
    settings = settings_of(scope)
    return {
        "chat_days": settings.retention_chat_days,
        "access_days": settings.retention_access_days,
        "legal_hold": queries.hold_shown(hold_of(scope)),
    }


@blueprint.get("/api/v1/access-log/archives")
@requires(Permission.AUDIT_READ)
def archives(actor: Actor, _session: Session) -> Page:
    """Months that were archived and dropped, those archived last first."""
    after = parse_id_cursor(request.args.get("after"))
    return Page(*queries.archives(actor.tenant_id, query_int("limit", 50, 1, 200), after))


@blueprint.get("/api/v1/access-log/archives/<archive_id>/manifest")
@requires(Permission.AUDIT_READ, of=queries.archive)
@documented(answers={200: "application/json"})
def manifest(_actor: Actor, _session: Session, archive: Any) -> Response:
    """The signed manifest: which month, how many lines, the file's SHA-256."""
    text = json.dumps(archive.manifest, indent=2, ensure_ascii=False)
    return _download(text, "application/json", f"{archive.log_partition}-manifest.json")


@blueprint.get("/api/v1/access-log/archives/<archive_id>/lines")
@requires(Permission.AUDIT_READ, of=queries.archive, limit="20/hour", fresh=True)
@documented(answers={200: "application/x-ndjson"})
def lines(actor: Actor, session: Session, archive: Any) -> Response:
    """Every line of the month, one JSON object each; 409 when the file is not here or was altered."""
    made = _opened(actor, archive)
    record(
        session, actor, Action.LOG_ARCHIVE_READ,
        target("log_partition", archive.log_partition, archive.log_partition), archive=str(archive.id),
    )  # fmt: skip
    return _download(
        stream_with_context(_pieces(actor, made)), "application/x-ndjson", f"{archive.log_partition}.jsonl"
    )


def _opened(actor: Actor, archive: Any) -> IO[bytes]:
    """The lines in a file without a name, after the archive was proved whole. Raises Conflict."""
    path = shelf.folder_of(state().settings.onyx_var, actor.tenant_id) / archive.name
    if not path.exists():
        raise Conflict("This archive's file is not on this machine. It lies in the steward's data folder.")
    if sha256_of(path) != bytes(archive.sha256):
        raise Conflict("This archive's file was altered: its SHA-256 is not the one of its manifest.")
    made: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    try:
        for line in read(path, Archive(archive.id, actor.tenant_id)):
            made.write(f"{line}\n".encode())
    except Damaged as error:
        made.close()
        raise Conflict(str(error)) from None
    made.seek(0)
    return made


def _pieces(actor: Actor, made: IO[bytes]) -> Iterator[bytes]:
    """The lines, until the session that asked for them ends (S5)."""
    with made, state().streams.open(actor, uuid7(), Permission.AUDIT_READ) as stream:
        while not stream.stopped.is_set() and (piece := made.read(_CHUNK)):
            yield piece


def _download(content: Any, kind: str, name: str) -> Response:
    return Response(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
