"""Search over HTTP."""

from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.assistant.words import all_of, words_of
from onyx.core.actor import Actor
from onyx.core.clock import rfc3339
from onyx.core.errors import Invalid
from onyx.edge.http import query_int, requires

from . import queries
from .excerpts import excerpt

blueprint = Blueprint("search", __name__)
LONGEST = 400
MOST_WORDS = 12


@blueprint.get("/api/v1/search")
@requires(Permission.CHAT_USE, limit="240/minute")
def search(actor: Actor, session: Session) -> list[dict[str, Any]]:
    """Own titles, messages and files that hold a beginning of every word of `q`, best first."""
    text = request.args.get("q", "")
    if len(text) > LONGEST:
        raise Invalid(fields={"q": f"Give {LONGEST} characters at most."})
    limit = query_int("limit", 20, 1, 100)
    words = list(dict.fromkeys(words_of(text)))[:MOST_WORDS]
    if not words:
        return []
    return [_shown(row, words) for row in queries.search(session, actor, all_of(words), limit)]


def _shown(row: Any, words: list[str]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "id": str(row.id),
        "session_id": row.session_id and str(row.session_id),
        "title": row.title,
        "excerpt": excerpt(row.content, words),
        "rank": round(float(row.rank), 4),
        "created_at": rfc3339(row.at),
    }
