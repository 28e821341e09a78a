"""Writing a report down: the row, the event, and the newest result for the platform's list."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.core.actor import Actor
from onyx.core.clock import now, rfc3339
from onyx.core.db import rows
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, current_scope
from onyx.core.wire import Fixed
from onyx.tenancy.attempts import Check
from onyx.tenancy.listing import place
from onyx.tenancy.signing import signed_document
from onyx.tenancy.walls import control_plane

KIND = "isolation-report"
DUE = "isolation"
_KEEP = Fixed("insert into isolation_report (id, passed, failed, document) values (%s, %s, %s, %s::text::jsonb)")


def report(tenant: UUID, checks: list[Check]) -> dict[str, Any]:
    """A signed document that says what was asked and how it went; in the open scope. Raises Unavailable."""
    known = place(tenant)
    content = {
        "id": str(uuid7()),
        "organisation": {"id": str(tenant), "slug": known.slug if known else "", "name": known.name if known else ""},
        "checked_at": rfc3339(now()),
        "passed": all(check.passed for check in checks),
        "checks": [
            {"name": check.name, "title": check.title, "passed": check.passed, "found": list(check.found)}
            for check in checks
        ],
    }
    return signed_document(KIND, content)


def keep(session: Session, actor: Actor, document: dict[str, Any], text: str) -> int:
    """Write a report into the tenant's schema and its trail; returns how many checks failed."""
    content = document["content"]
    failed = [check["name"] for check in content["checks"] if not check["passed"]]
    rows(session, _KEEP, content["id"], not failed, len(failed), text)
    record(
        session, actor, Action.ISOLATION_CHECKED, target("isolation_report", content["id"]),
        outcome="failure" if failed else "success", checks=len(content["checks"]), failed=failed,
        signed_by=document["signature"]["key_id"],
    )  # fmt: skip
    return len(failed)


def tell_platform(tenant: UUID, report_id: UUID, failed: int) -> None:
    """The newest result, for the platform's list; after the report's commit."""
    with control_plane(Scope(tenant, "job:isolation")) as connection:
        connection.exec_driver_sql("select isolation_checked(%s, %s)", (report_id, failed))


def ask(session: Session, actor: Actor) -> None:
    """Have the actor's tenant checked within a minute, before those that are due by themselves."""
    with control_plane(current_scope()) as connection:
        connection.exec_driver_sql("select mark_asked(%s)", (DUE,))
    record(session, actor, Action.ISOLATION_CHECK_ASKED, target("tenant", actor.tenant_id, actor.tenant_slug))
