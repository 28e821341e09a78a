"""For supervisors and load balancers: alive, and ready."""

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from onyx.core.db import db
from onyx.edge.http import everybody, ok
from onyx.edge.limits import limiter
from onyx.edge.state import state
from onyx.edge.store import Away

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@limiter.exempt
@everybody("6000/minute")
def alive() -> Response:
    return ok({"alive": True})


@blueprint.get("/readyz")
@limiter.exempt
@everybody("6000/minute")
def ready() -> Response:
    """200 when PostgreSQL answers (Redis may be away: Onyx works on, slower), else 503."""
    database, cache = _database(), _redis()
    return ok({"database": database, "redis": cache}, status=200 if database else 503)


def _database() -> bool:
    try:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("select 1")
        return True
    except SQLAlchemyError:
        return False


def _redis() -> bool:
    store = state().store
    try:
        return bool(store.call(store.client.ping))
    except Away:
        return False
