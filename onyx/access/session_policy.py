"""How long login sessions last in an organisation, and how many somebody may have at once (S3)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from onyx.core.actor import Actor
from onyx.core.db import rows
from onyx.core.scope import Scope, current_scope
from onyx.identity import changes
from onyx.tenancy.walls import control_plane

REMEMBER_DAYS = 30
# Fields of the policy by their names in onyx.tenant.settings.
NAMES = {
    "session_idle_seconds": "idle_seconds",
    "session_absolute_seconds": "absolute_seconds",
    "session_max_concurrent": "most",
    "remember_days": "remember_days",
}
_READ = "select settings from tenant where id = %s"
LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 11))"  # on a tenant's settings, by its id
MEANWHILE = "Somebody else changed this at the same moment. Look at it again."
_TIGHTEN = """
update login_session s set idle_seconds = least(s.idle_seconds, %s), expires_at = least(s.expires_at, s.created_at
       + case when s.remember then %s else %s end * interval '1 second')
 where s.state = 'active' and (s.idle_seconds > %s
       or s.expires_at > s.created_at + case when s.remember then %s else %s end * interval '1 second')
returning 1
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds without use, seconds in all, how many at once (None: any number), days for "keep me signed in"."""

    idle_seconds: int
    absolute_seconds: int
    most: int | None = None
    remember_days: int = REMEMBER_DAYS

    def lasts(self, remember: bool) -> timedelta:
        """How long a session may last from its beginning; where days are 0, nobody is remembered."""
        if remember and self.remember_days:
            return timedelta(days=self.remember_days)
        return timedelta(seconds=self.absolute_seconds)

    def ends(self, began: datetime, remember: bool) -> datetime:
        return began + self.lasts(remember)

    def told(self) -> dict[str, Any]:
        """The policy by the names of the settings."""
        values = asdict(self)
        return {name: values[field] for name, field in NAMES.items()}


def policy_of(scope: Scope, defaults: Policy) -> Policy:
    """The policy of the scope's tenant: its settings over the defaults."""
    with control_plane(scope) as connection:
        found = connection.exec_driver_sql(_READ, (scope.tenant,)).scalar()
    return over(found or {}, defaults)


def tighten(session: Session, actor: Actor, policy: Policy) -> None:
    """Shorten the live sessions of the actor's tenant that would last longer; purposes `admin` and `platform`."""
    remembered, plain = (policy.lasts(remember).total_seconds() for remember in (True, False))
    idle = policy.idle_seconds
    if rows(session, _TIGHTEN, idle, remembered, plain, idle, remembered, plain):
        changes.tenant_changed(session, actor.tenant_id, changes.SESSION_POLICY)
        with control_plane(current_scope()) as connection:
            connection.exec_driver_sql("select mark_due('sessions', now())")


def over(settings: Mapping[str, Any], defaults: Policy) -> Policy:
    """What settings say, over the defaults."""
    values = {field: settings[name] for name, field in NAMES.items() if isinstance(settings.get(name), int)}
    return Policy(**{**asdict(defaults), **values})
