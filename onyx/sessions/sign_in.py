"""Signing in: the same answer and the same time, whether the e-mail is unknown or the password wrong (S7)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from flask import g

from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.db import control_engine, unit_of_work
from onyx.core.errors import TooMany, WrongCredentials
from onyx.core.scope import Scope, tenant_scope
from onyx.core.secrets import email_digest
from onyx.edge.gate import anonymous
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.identity import passwords
from onyx.tenancy.walls import control_plane

from . import queries, service
from .device import device_of
from .forms import SignIn

AT_ONCE = 4
# A try that never ends, since its process died, is forgotten after half a minute.
_BEGIN = """
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
return redis.call('EXPIRE', KEYS[1], 30)
"""
_DONE = "if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) <= 0 then redis.call('DEL', KEYS[1]) end"


def sign_in(form: SignIn, request: Request) -> tuple[service.SignedIn, dict[str, Any]]:
    """Open a login session for the right e-mail and password. Raises WrongCredentials for everything else."""
    digest = email_digest(form.email)
    tenant = _only_tenant(digest, form.tenant)
    # An unknown one is looked for too, in the platform's tenant, and found nowhere: as many steps, as much time.
    with tenant_scope(tenant.id if tenant else state().platform, "auth"), unit_of_work() as session:
        person = queries.person_by_email(session, digest)
    if tenant is None:
        passwords.verify(None, form.password)
        _record_failure(_platform(request), "unknown_email_or_organisation")
        raise WrongCredentials()
    right = passwords.verify(person.password_hash if person else None, form.password)
    actor = anonymous(tenant.id, tenant.slug, tenant.name, request, person.id if person else None, form.email.strip())
    if person is None or not right or person.status != "active" or tenant.status != "active":
        _record_failure(actor, "wrong_password" if not right else "suspended")
        raise WrongCredentials()
    return _open(form, actor, person), _greeting(person, tenant, form)


@contextmanager
def few_at_once(email: str) -> Iterator[None]:
    """Refuse more than a few tries for one account at the same moment. Raises TooMany.

    A failure counts when it is over: of a hundred tries at once, all would be made before the first one counted.
    """
    store, name = state().store, f"onyx:trying:{email_digest(email).hex()}"
    if not state().settings.rate_limits:
        yield
        return
    with suppress(Away):
        if store.run(_BEGIN, [name], [AT_ONCE]) == 0:
            raise TooMany(retry_after=2)
    try:
        yield
    finally:
        with suppress(Away):
            store.run(_DONE, [name], [])


def record_block(email: str, request: Request) -> None:
    """Record, once for each quarter of an hour, that too many failures closed an account's front door."""
    digest = email_digest(email)
    store = state().store
    try:
        if not store.call(store.client.set, f"onyx:blocked:{digest.hex()}", b"1", nx=True, ex=900):
            return
    except Away:
        pass  # recorded once more rather than not at all
    tenant = _only_tenant(digest, None)
    actor = (
        anonymous(tenant.id, tenant.slug, tenant.name, request, None, email.strip()) if tenant else _platform(request)
    )
    record_alone(actor, Action.SIGN_IN_BLOCKED, target("user", None, email.strip()[:254]), outcome="denied")


def _open(form: SignIn, actor: Actor, person: Any) -> service.SignedIn:
    settings = state().settings
    policy = service.Policy(settings.session_idle_seconds, settings.session_absolute_seconds)
    device = device_of(actor.request.user_agent)
    scope = Scope(actor.tenant_id, "auth", actor.user_id)
    known = replace(actor, name=person.display_name, kind="user")
    with tenant_scope(scope.tenant, "auth", scope.user), unit_of_work() as session:
        opened = service.open_session(session, known, person.id, policy, form.remember, device)
    with control_plane(scope) as connection:
        idle = min(policy.idle_seconds, policy.absolute_seconds)
        connection.exec_driver_sql("select mark_due('sessions', now() + %s * interval '1 second')", (idle,))
    return opened


def _only_tenant(digest: bytes, slug: str | None) -> Any | None:
    """The tenant of a log-in; None when there is none, or several and none was named (never tell which)."""
    with control_engine().begin() as connection:
        found = connection.exec_driver_sql("select * from onyx.find_tenant(%s)", (digest,)).all()
    wanted = [row for row in found if slug is None or not slug.strip() or row.slug == slug.strip().lower()]
    return wanted[0] if len(wanted) == 1 else None


def _greeting(person: Any, tenant: Any, form: SignIn) -> dict[str, Any]:
    return {
        "id": person.id,
        "email": form.email.strip(),
        "display_name": person.display_name,
        "roles": person.roles,
        "tenant": {"id": tenant.id, "slug": tenant.slug, "name": tenant.name},
    }


def _platform(request: Request) -> Actor:
    return anonymous(state().platform, "platform", "Platform", request)


def _record_failure(actor: Actor, reason: str) -> None:
    g.sign_in_actor = actor
    record_alone(
        actor, Action.SIGN_IN_FAILED, target("user", actor.user_id, actor.email), outcome="failure", reason=reason
    )
