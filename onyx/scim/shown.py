"""People and groups as SCIM's resources, and what a filter asks of the database."""

from typing import Any
from uuid import UUID

from scim2_models import Meta
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator

from onyx.core.ids import parse_id

from .queries import Narrow
from .resources import Group, User


def narrowed(filter: Any | None) -> Narrow:
    """The part of a filter that an index answers; the filter itself still decides afterwards."""
    found: dict[str, Any] = {}
    node = getattr(filter, "ast", None)
    together = isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_
    for term in node.terms if together else [node]:  # type: ignore[union-attr]
        if isinstance(term, Comparison) and term.op == CompareOperator.eq and isinstance(term.value, str):
            attribute = str(term.attr_path.attr).lower()
            if attribute == "username":
                found["name"] = term.value.strip().lower()
            elif attribute == "externalid":
                found["external"] = term.value
            elif attribute == "id":
                found["id"] = parse_id(term.value) or UUID(int=0)
    return Narrow(**found)


def user_resource(row: Any, base: str) -> User:
    """A person as a resource. Who was not brought by a directory is shown with what Onyx knows."""
    known = row.attributes if row.attributes is not None else _unmanaged(row)
    spelled = known.get("userName") or ""
    return User.model_validate(
        {
            "id": str(row.id),
            "externalId": row.external_id,
            "userName": spelled if spelled.lower() == row.email else row.email,
            "name": known.get("name"),
            "displayName": known.get("displayName"),
            # What the directory took away is not shown (RFC 7644, section 3.5.2.2); the person stays as they were.
            "active": None if known.get("activeIsUnset") else row.status == "active",
            "emails": known.get("emails"),
            "groups": [{**each, "$ref": f"{base}/Groups/{each['value']}"} for each in row.groups or ()] or None,
            "meta": _meta("User", row.created_at, row.changed_at or row.created_at, f"{base}/Users/{row.id}"),
        },
        scim_ctx=None,
    )


def group_resource(row: Any, base: str) -> Group:
    """A group as a resource."""
    return Group.model_validate(
        {
            "id": str(row.id),
            "externalId": row.external_id,
            "displayName": row.display_name,
            "members": [{**each, "$ref": f"{base}/Users/{each['value']}"} for each in row.members or ()] or None,
            "meta": _meta("Group", row.created_at, row.updated_at, f"{base}/Groups/{row.id}"),
        },
        scim_ctx=None,
    )


def _unmanaged(row: Any) -> dict[str, Any]:
    emails = [{"value": row.email, "primary": True}] if "@" in row.email else None
    return {"displayName": row.display_name, "emails": emails}


def _meta(kind: str, created: Any, changed: Any, location: str) -> Meta:
    return Meta(resource_type=kind, created=created, last_modified=changed, location=location)
