"""Pages of chats and messages as answers: PostgreSQL's text is put together, not parsed and built again."""

import json
from collections.abc import Iterable
from json.encoder import encode_basestring  # type: ignore[attr-defined]
from typing import Any

from flask import Response


def listed(lines: Iterable[str], following: str | None) -> Response:
    """`{"success": true, "data": [lines], "next": cursor}`."""
    text = f'{{"success":true,"data":[{",".join(lines)}],"next":{json.dumps(following)}}}'
    return Response(text, content_type="application/json")


def chat_line(row: Any) -> str:
    """A chat as JSON, from the columns of queries.page_of_chats."""
    id, title, preview, count, project, created, updated, last = row
    return (
        f'{{"id":"{id}","title":{_text(title)},"preview":{encode_basestring(preview)},"message_count":{count},'
        f'"project_id":{_id(project)},"created_at":"{_time(created)}","updated_at":"{_time(updated)}",'
        f'"last_message_at":"{_time(last)}"}}'
    )


def message_line(row: Any) -> str:
    """A message as JSON, from the columns of queries.page_of_messages."""
    id, seq, role, status, content, parent, tokens, metadata, created = row
    return (
        f'{{"id":"{id}","seq":{seq},"role":"{role}","status":"{status}","content":{encode_basestring(content)},'
        f'"parent_id":{_id(parent)},"token_count":{tokens},"metadata":{metadata},"created_at":"{_time(created)}"}}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


def _id(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def _time(value: str) -> str:
    """`2026-11-21 15:04:05.123+00` (ISO, pinned to UTC) as RFC 3339."""
    return f"{value[:10]}T{value[11:-3]}Z"
