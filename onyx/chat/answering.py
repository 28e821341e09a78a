"""Answers whose items came from PostgreSQL as JSON text: put together, not parsed and built again."""

import json

from flask import Response


def listed(lines: list[str], following: str | None) -> Response:
    """`{"success": true, "data": [lines], "next": cursor}`."""
    text = f'{{"success":true,"data":[{",".join(lines)}],"next":{json.dumps(following)}}}'
    return Response(text, content_type="application/json")
