"""What PostgreSQL's refusals mean for whoever asked: away, moved, in the way (SQLSTATE, PostgreSQL appendix A)."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .errors import Unauthenticated


def is_away(error: Exception) -> bool:
    """Whether PostgreSQL could not be reached, or cut the connection (class 08, 57P)."""
    if isinstance(error, PoolTimeout):
        return True
    state = _state(error)
    return state is None or state[:2] == "08" or state[:3] == "57P" or state == "53300"


def may_have_moved(error: Exception) -> bool:
    """Whether a transaction could not begin since its node is away, or does not know the tenant's role any more."""
    return is_away(error) or _state(error) in ("22023", "42501", "42704")


def has_moved_away(error: Exception) -> bool:
    """Whether tables went from under a transaction: its tenant was moved meanwhile. The next one finds it."""
    return _state(error) == "42P01"


def in_the_way(error: Exception) -> bool:
    """Whether somebody else's locks ended a transaction (deadlock, too long a wait): nothing was done, try again."""
    return _state(error) in ("40P01", "40001", "55P03")


def signed_out(error: DBAPIError) -> Unauthenticated | None:
    """What to tell somebody whose session ended under their hands (SQLSTATE ON004, migrations/tenant/0080)."""
    if _state(error) != "ON004":
        return None
    return Unauthenticated(reason=error.orig.diag.message_detail)  # type: ignore[union-attr]


def _state(error: Exception) -> str | None:
    found: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return found
