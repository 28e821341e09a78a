"""A new token for the login session of this request."""

from werkzeug.wrappers import Response

from onyx.access.opening import SignedIn
from onyx.access.renewal import renew
from onyx.core.actor import Actor
from onyx.core.db import unit_of_work
from onyx.core.errors import TooMany, Unauthenticated
from onyx.core.scope import tenant_scope
from onyx.identity import tokens

from . import entries
from .entering import with_cookie
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


def with_new_token(actor: Actor, answer: Response) -> Response:
    """The answer to somebody who has just shown who they are, for a browser with a new token.

    A program renews its own (POST /api/v1/auth/refresh). One that another window has renewed a moment ago stays.
    """
    if not presented_token()[1]:
        return answer
    try:
        return with_cookie(answer, renewed(actor))
    except (TooMany, Unauthenticated):
        return answer
