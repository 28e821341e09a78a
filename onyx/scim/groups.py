"""Groups, as a directory asks for them and changes them (RFC 7644, sections 3.3 to 3.6)."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from onyx.core.actor import Actor

from . import answers, group_service, queries, shown
from .resources import Group


def found(session: Session) -> Response:
    """Those that a query string asks for."""
    return _found(session, answers.asked(Group))


def searched(session: Session) -> Response:
    return _found(session, answers.searched(Group))


def create(session: Session, actor: Actor) -> Response:
    id = group_service.create(session, answers.provisioner(actor), answers.new(Group))
    return answers.created(Group, _as_it_is(session, id))


def one(group: Any) -> Response:
    return answers.answer(shown.group_resource(group, answers.base()), shape=answers.shaped(Group))


def changed(session: Session, actor: Actor, group: Any) -> Response:
    """A PUT or a PATCH."""
    wanted = answers.wanted(Group, shown.group_resource(group, answers.base()))
    group_service.replace(session, answers.provisioner(actor), group, wanted)
    return answers.changed(Group, _as_it_is(session, group.id))


def remove(session: Session, actor: Actor, group: Any) -> Response:
    group_service.remove(session, answers.provisioner(actor), group)
    return Response(status=204)


def _found(session: Session, search: Any) -> Response:
    resources = [shown.group_resource(row, answers.base()) for row in queries.groups(session)]
    return answers.sifted_page(Group, resources, search)


def _as_it_is(session: Session, id: UUID) -> Group:
    return shown.group_resource(queries.groups(session, id)[0], answers.base())
