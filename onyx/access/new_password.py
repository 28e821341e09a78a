"""What a new password ends, however it came about (F15): sessions, open links, sign-ins that wait for their code."""

from uuid import UUID

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.clock import now
from onyx.core.scope import Scope
from onyx.identity import challenges, links, passwords
from onyx.identity.models import Credential
from onyx.tenancy.settings import settings_of

from .ending import end_all_of


def set_password(
    session: Session, actor: Actor, user: UUID, password_hash: str, keep: UUID | None = None
) -> list[UUID]:
    """Put a hash in force and end all that the old password opened, one session excepted if wished; purpose `auth`.

    The caller records why, and ends API keys where the old password may have been a thief's: they are not the
    password's children, and programs go on with them (docs/security.md). Returns the ids of the revocations.
    """
    credential = session.get(Credential, user)
    if credential is None:
        session.add(Credential(user_id=user, password_hash=password_hash))
    else:
        credential.password_hash, credential.changed_at = password_hash, now()
    session.flush()  # so that the statements below, which are plain, come after it
    links.void(session, user)
    challenges.void(session, user)
    return end_all_of(session, actor, user, "password_changed", keep=keep)


def hashed(scope: Scope, password: str, *about: str) -> str:
    """The hash of a new password. Raises Invalid when it breaks the policy of the scope's tenant; `about` are e-mail
    and names.
    """
    policy = settings_of(scope)
    least, banned = policy.password_min_length, policy.password_banned_words
    return passwords.hash_password(password, *about, least=least, banned=banned)


def made_up(scope: Scope) -> str:
    """A random password, to be shown once, that fits the policy of the scope's tenant."""
    policy = settings_of(scope)
    return passwords.new_password(policy.password_min_length, policy.password_banned_words)
