"""A picture as an answer: of the type that was checked when it came, and nothing that a browser would run."""

from typing import Any

from flask import Response


def picture_response(row: Any) -> Response:
    """`row` has media_type and content."""
    response = Response(bytes(row.content), content_type=row.media_type)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
