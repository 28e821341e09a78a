"""People, as a directory asks for them and changes them (RFC 7644, sections 3.3 to 3.6)."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from onyx.core.actor import Actor

from . import answers, queries, service, shown
from .resources import User


def found(session: Session) -> Response:
    """Those that a query string asks for."""
    return _found(session, answers.asked(User))


def searched(session: Session) -> Response:
    return _found(session, answers.searched(User))


def create(session: Session, actor: Actor) -> Response:
    id = service.create(session, answers.provisioner(actor), answers.new(User))
    return answers.created(User, service.resource(session, id, answers.base()))


def one(person: Any) -> Response:
    return answers.answer(shown.user_resource(person, answers.base()), shape=answers.shaped(User))


def changed(session: Session, actor: Actor, person: Any) -> Response:
    """A PUT or a PATCH."""
    before = shown.user_resource(person, answers.base())
    service.change(session, answers.provisioner(actor), person, before, answers.wanted(User, before))
    return answers.changed(User, service.resource(session, person.id, answers.base()))


def remove(session: Session, actor: Actor, person: Any) -> Response:
    service.remove(session, answers.provisioner(actor), person)
    return Response(status=204)


def _found(session: Session, search: Any) -> Response:
    """Without a filter the database cuts the page; with one, the rows that it may concern are looked through."""
    whole = search.filter is None and search.sort_by is None
    narrow = queries.Narrow() if whole else shown.narrowed(search.filter)
    cut = (answers.size_of(search), answers.first_of(search)) if whole else ()
    resources = [shown.user_resource(row, answers.base()) for row in queries.people(session, narrow, *cut)]
    if whole:
        return answers.page(User, resources, queries.headcount(session), search)
    return answers.sifted_page(User, resources, search)
