"""Which months of an access log lie beyond its retention: whole partitions only, so that nothing of a month goes early."""

from datetime import UTC, date, datetime, timedelta

from onyx.core.clock import now
from onyx.tenancy.scripts import months_from

LOG = "access_entry"


def edge(days: int) -> datetime:
    """The first moment that stays: what lies before it belongs to months that ended more than `days` days ago."""
    return (now().astimezone(UTC) - timedelta(days=days)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_of(partition: str) -> date:
    """The first day of the month of `access_entry_202601`."""
    return date(int(partition[-6:-2]), int(partition[-2:]), 1)


def after(month: date) -> date:
    """The first day of the next month."""
    return months_from(month, 2)[1]
