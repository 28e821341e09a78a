"""`/api/openapi.json` and `/api/docs`."""

import json
from functools import lru_cache
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template

from onyx.edge.documented import documented
from onyx.edge.http import everybody

from . import document
from .listing import listing

blueprint = Blueprint("apidocs", __name__)


@blueprint.get("/api/openapi.json")
@documented(answers={200: "application/json"})
@everybody("120/minute")
def openapi() -> Response:
    """This document."""
    return Response(_text(_app()), content_type="application/json")


@blueprint.get("/api/docs")
@everybody("120/minute")
def page() -> str:
    """The API's routes for people to read."""
    return render_template("apidocs/page.html", groups=listing(_document(_app())))


@lru_cache(maxsize=4)
def _document(app: Flask) -> dict[str, Any]:
    return document.document(app)


@lru_cache(maxsize=4)
def _text(app: Flask) -> str:
    return json.dumps(_document(app), default=str)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
