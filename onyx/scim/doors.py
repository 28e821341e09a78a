"""The ways in: discovery (RFC 7644, section 4), /scim/v2/Users and /scim/v2/Groups (sections 3.3 to 3.6)."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from onyx.access.policy import Permission
from onyx.core.actor import Actor
from onyx.edge.http import requires

from . import late, queries
from .late import judged

discovery = Blueprint("scim", __name__, url_prefix="/scim/v2")
users = Blueprint("scim_users", __name__, url_prefix="/scim/v2/Users")
groups = Blueprint("scim_groups", __name__, url_prefix="/scim/v2/Groups")
BLUEPRINTS = (discovery, users, groups)
for one in BLUEPRINTS:
    late.install(one)
LIMIT = "1200/minute"


@discovery.get("/ServiceProviderConfig")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def service_provider_config(_actor: Actor, _session: Session) -> Response:
    return late.discovery.provider()


@discovery.get("/Schemas")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def all_schemas(_actor: Actor, _session: Session) -> Response:
    return late.discovery.all_schemas()


@discovery.get("/Schemas/<name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def one_schema(_actor: Actor, _session: Session, name: str) -> Response:
    return late.discovery.one_schema(name)


@discovery.get("/ResourceTypes")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def all_resource_types(_actor: Actor, _session: Session) -> Response:
    return late.discovery.all_resource_types()


@discovery.get("/ResourceTypes/<name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def one_resource_type(_actor: Actor, _session: Session, name: str) -> Response:
    return late.discovery.one_resource_type(name)


@discovery.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def search_all(_actor: Actor, session: Session) -> Response:
    """People and groups together (RFC 7644, section 3.4.3)."""
    return late.discovery.search(session)


@discovery.get("/<path:name>")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def nothing(_actor: Actor, _session: Session, name: str) -> Response:
    """Also what is not there is told in SCIM's own words."""
    return late.discovery.nothing()


@users.get("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def users_found(_actor: Actor, session: Session) -> Response:
    return late.users.found(session)


@users.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def search_users(_actor: Actor, session: Session) -> Response:
    return late.users.searched(session)


@users.post("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT, fresh=True)
@judged
def create_user(actor: Actor, session: Session) -> Response:
    return late.users.create(session, actor)


@users.get("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT)
@judged
def one_user(_actor: Actor, _session: Session, person: Any) -> Response:
    return late.users.one(person)


@users.put("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
@judged
def replace_user(actor: Actor, session: Session, person: Any) -> Response:
    return late.users.changed(session, actor, person)


@users.patch("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
@judged
def patch_user(actor: Actor, session: Session, person: Any) -> Response:
    return late.users.changed(session, actor, person)


@users.delete("/<user_id>")
@requires(Permission.SCIM_PROVISION, of=queries.person, limit=LIMIT, fresh=True)
@judged
def remove_user(actor: Actor, session: Session, person: Any) -> Response:
    return late.users.remove(session, actor, person)


@groups.get("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def groups_found(_actor: Actor, session: Session) -> Response:
    return late.groups.found(session)


@groups.post("/.search")
@requires(Permission.SCIM_PROVISION, limit=LIMIT)
@judged
def search_groups(_actor: Actor, session: Session) -> Response:
    return late.groups.searched(session)


@groups.post("")
@requires(Permission.SCIM_PROVISION, limit=LIMIT, fresh=True)
@judged
def create_group(actor: Actor, session: Session) -> Response:
    return late.groups.create(session, actor)


@groups.get("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT)
@judged
def one_group(_actor: Actor, _session: Session, group: Any) -> Response:
    return late.groups.one(group)


@groups.put("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
@judged
def replace_group(actor: Actor, session: Session, group: Any) -> Response:
    return late.groups.changed(session, actor, group)


@groups.patch("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
@judged
def patch_group(actor: Actor, session: Session, group: Any) -> Response:
    return late.groups.changed(session, actor, group)


@groups.delete("/<group_id>")
@requires(Permission.SCIM_PROVISION, of=queries.group, limit=LIMIT, fresh=True)
@judged
def remove_group(actor: Actor, session: Session, group: Any) -> Response:
    return late.groups.remove(session, actor, group)
