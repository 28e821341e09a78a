"""The session policy of a tenant, over what the installation's settings say."""

from uuid import UUID

from onyx.access import session_policy
from onyx.access.session_policy import Policy
from onyx.core.scope import Scope

from .state import state


def policy_of(tenant: UUID) -> Policy:
    """How long login sessions of this tenant last, and how many somebody may have."""
    return session_policy.policy_of(Scope(tenant, "auth"), defaults())


def defaults() -> Policy:
    """What holds where a tenant says nothing."""
    settings = state().settings
    return Policy(settings.session_idle_seconds, settings.session_absolute_seconds)
