"""A chat as a document to keep: Markdown, JSON or HTML, never with active content."""

import json
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from onyx.core.clock import rfc3339
from onyx.core.late import Late

if TYPE_CHECKING:
    import markdown_it
    import nh3
else:
    markdown_it, nh3 = Late("markdown_it"), Late("nh3")

MEDIA = {"md": "text/markdown", "json": "application/json", "html": "text/html"}
_WHO = {"user": "You", "assistant": "Onyx", "system": "Note"}


def exported(chat: Any, messages: list[Any], format: str) -> str:
    """The chat with all its messages as text of one format: `md`, `json` or `html`."""
    return {"md": _as_markdown, "json": _as_json, "html": _as_html}[format](chat, messages)


def file_name(chat: Any, format: str) -> str:
    """An ASCII name for the download, from the chat's title."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in chat.title or "").split()
    return f"{'-'.join(words).lower()[:60] or 'chat'}.{format}"


def _as_json(chat: Any, messages: list[Any]) -> str:
    told = {
        "id": str(chat.id),
        "title": chat.title,
        "created_at": rfc3339(chat.created_at),
        "messages": [
            {
                "id": str(row.id),
                "seq": row.seq,
                "role": row.role,
                "status": row.status,
                "content": row.content,
                "parent_id": row.parent_id and str(row.parent_id),
                "metadata": row.metadata,
                "created_at": rfc3339(row.created_at),
            }
            for row in messages
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _as_markdown(chat: Any, messages: list[Any]) -> str:
    parts = [f"# {chat.title or 'Chat'}\n"]
    for row in messages:
        parts.append(f"## {_WHO[row.role]} · {rfc3339(row.created_at)}{_state(row)}\n\n{row.content}\n{_sources(row)}")
    return "\n".join(parts)


def _as_html(chat: Any, messages: list[Any]) -> str:
    title = escape(chat.title or "Chat")
    body = "".join(
        f"<article><h2>{_WHO[row.role]} · <time>{rfc3339(row.created_at)}</time>{escape(_state(row))}</h2>"
        f"{_safe(row.content)}{_safe(_sources(row))}</article>\n"
        for row in messages
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>\n{body}</body></html>\n"
    )


def _safe(markdown: str) -> str:
    """No images: one from elsewhere would tell its server who opened the export, and when."""
    return nh3.clean(_markdown().render(markdown), tags=nh3.ALLOWED_TAGS - {"img"})


@cache
def _markdown() -> "markdown_it.MarkdownIt":
    return markdown_it.MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


def _state(row: Any) -> str:
    return "" if row.status == "done" else f" ({row.status})"


def _sources(row: Any) -> str:
    citations = row.metadata.get("citations") or []
    lines = [f"{item['n']}. {item['kind']}: {item['title']}" for item in citations]
    return "\n\nSources:\n\n" + "\n".join(lines) + "\n" if lines else ""
