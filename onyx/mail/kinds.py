"""Kinds of mail, each with the function that writes one when its turn has come."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom a mail is for."""

    tenant_id: UUID
    tenant_name: str
    user_id: UUID
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """A mail in plain text."""

    to: str
    subject: str
    text: str


# (session, the job as actor, receiver, what it is about, address of this installation) → message, or None: not any more
Writer = Callable[[Session, Actor, Receiver, UUID | None, str], Message | None]
KINDS: dict[str, Writer] = {}


def kind(name: str) -> Callable[[Writer], Writer]:
    """Register the function that writes mails of a kind; it runs for purpose `job:mail`."""

    def register(writer: Writer) -> Writer:
        KINDS[name] = writer
        return writer

    return register
