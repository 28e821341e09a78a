"""A new token for the login session of this request."""

from onyx.access.opening import SignedIn
from onyx.access.renewal import renew
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.scope import tenant_scope
from onyx.identity import tokens

from . import entries
from .http import presented_token
from .session_policy import policy_of


def renewed(actor: Actor) -> SignedIn:
    """Replace the token that this request presented; raises as renew() does.

    PostgreSQL judges it from before the commit: a process that is killed right after it leaves no entry in Redis by
    which the old token would go on being believed (docs/decisions/0003). A renewal that fails costs a look.
    """
    presented, policy = tokens.digest(presented_token()[0]), policy_of(actor.tenant_id)
    entries.outdate_surely(actor.tenant_id, presented)
    with tenant_scope(actor.tenant_id, "auth", actor.user_id, actor.session_id), unit_of_work() as session:
        return renew(session, actor, presented, policy)
