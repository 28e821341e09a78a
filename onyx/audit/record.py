"""`record()`: one event in the transaction of the change it explains (A1, A2).

That nothing is left unexplained is not up to callers: a deferred trigger on every audited table refuses the COMMIT
of a transaction without an event (migrations/tenant/0001), whatever wrote the change.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from onyx.core import outbox
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows_later, unit_of_work
from onyx.core.errors import Unavailable
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope, tenant_scope
from onyx.core.wire import Fixed
from onyx.tenancy.context import schema_of, sign

from .actions import Action
from .rescue import write_rescue

_log = structlog.get_logger()
_APPEND = Fixed("select audit_append(%s::jsonb)")
SECRET = frozenset({"password", "password_hash", "token", "token_digest", "api_key", "secret", "content"})


class Unrecorded(Unavailable):
    """The trail could not be written, so that what it should tell did not happen; the rescue log says so."""


def target(kind: str, id: UUID | str | None, display: str = "") -> dict[str, str]:
    """What an event is about. `display` must be public: never message or file text."""
    return {"type": kind, "id": str(id) if id else "", "display": display}


def change(path: str, old: Any, new: Any) -> dict[str, Any]:
    """One changed field, with its values before and after. Raises ValueError for a field that holds secrets."""
    if path in SECRET:
        raise ValueError(f"{path} must not stand in the trail; name it in details without its value")
    return {"path": path, "old": old, "new": new, "class": "public"}


def record(
    session: Session,
    actor: Actor,
    action: Action,
    *targets: dict[str, str],
    outcome: str = "success",
    reason: str | None = None,
    changes: Iterable[dict[str, Any]] = (),
    **details: Any,
) -> None:
    """Put one event into the session's transaction; all of them are written in one statement before its commit.

    Raises TypeError for an action outside the vocabulary and ValueError for details that name a secret.
    """
    if not isinstance(action, Action):
        raise TypeError(f"{action!r} is not registered in audit.actions")
    if SECRET & details.keys():
        raise ValueError(f"details may not hold {', '.join(sorted(SECRET & details.keys()))}")
    event = _head(actor, action) | {
        "targets": list(targets),
        "outcome": outcome,
        "reason": reason,
        "changes": list(changes),
        "details": details,
    }
    waiting = session.info.setdefault("events", [])
    waiting.append((actor, event))
    if len(waiting) == 1:
        session.info.setdefault("before_commit", []).append(_write)


def _head(actor: Actor, action: Action) -> dict[str, Any]:
    """What happened, when, by whom and from where."""
    return {
        "event_id": str(uuid7()),
        "occurred_at": rfc3339(now()),
        "action": action.value,
        "schema_version": 1,
        "actor": {
            "type": actor.kind,
            "name": actor.name,
            "display": actor.email or actor.name,
            "roles": list(actor.roles),
        },
        "request": {
            "id": actor.request.id,
            "method": actor.request.method,
            "route": actor.request.route,
            "ip": actor.request.ip,
            "user_agent": actor.request.user_agent[:300],
        },
    }


def record_alone(actor: Actor, action: Action, *targets: dict[str, str], purpose: str = "auth", **more: Any) -> None:
    """Record what changed nothing (a refusal, a failure, a sensitive read) in a short transaction of its own.

    Raises Unavailable when it cannot be written; the rescue log on disk then says so.
    """
    try:
        with tenant_scope(actor.tenant_id, purpose, actor.user_id, actor.session_id), unit_of_work() as session:
            record(session, actor, action, *targets, **more)
    except Unrecorded:
        raise  # the rescue log has it
    except (DBAPIError, Unavailable) as error:
        write_rescue(actor, action.value, error)
        raise Unavailable() from error


def record_as_owner(
    owner: psycopg.Connection[Any],
    place: UUID,
    actor: Actor,
    action: Action,
    *targets: dict[str, str],
    outcome: str = "success",
    **details: Any,
) -> None:
    """One event in a transaction of the steward or the command line, in the trail of the tenant `place`."""
    event = _head(actor, action) | {"targets": list(targets), "outcome": outcome, "details": details}
    context = sign(Scope(place, "job:steward"), owner.info.backend_pid)
    owner.execute("select set_config('onyx.context', %s, true)", [context])
    append = sql.SQL("select {}(%s::jsonb)").format(sql.Identifier(schema_of(place), "audit_append"))
    owner.execute(append, [json.dumps([event], default=str)])


def _write(session: Session) -> None:
    waiting = session.info.pop("events", [])
    if waiting:
        session.flush()  # the change first, so that a change that fails is not preceded by its event
        events = [event for _, event in waiting]
        try:
            rows_later(session, _APPEND, json.dumps(events, default=str, separators=(",", ":")))
        except DataError:
            raise  # for the same reason as below
        except DBAPIError as error:  # nothing had needed the database before
            _rescue(waiting, error)
        session.info.setdefault("not_committed", []).append(partial(_must_be_rescued, waiting))
        outbox.put(session, "events.recorded", tenant=current_scope().tenant, events=[_letter(e) for e in events])


def _must_be_rescued(waiting: list[tuple[Actor, dict[str, Any]]], error: DBAPIError) -> None:
    """Say on disk what the trail could not take, or may not have: a lost server says no more. Raises Unrecorded."""
    if isinstance(error, DataError):
        return  # what was sent cannot be stored: the sender is told, nothing is wrong with the trail
    if getattr(error.orig, "statement", None) != _APPEND and not error.connection_invalidated:
        return  # another statement's, or the COMMIT's own
    _rescue(waiting, error)


def _rescue(waiting: list[tuple[Actor, dict[str, Any]]], error: DBAPIError) -> NoReturn:
    for actor, event in waiting:
        write_rescue(actor, event["action"], error)
    raise Unrecorded() from error


def _letter(event: dict[str, Any]) -> tuple[str, str]:
    """What those who watch are told of an event: its action and the id of its first target."""
    return event["action"], event["targets"][0]["id"] if event["targets"] else ""
