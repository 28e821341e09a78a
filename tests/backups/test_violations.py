"""Which of PostgreSQL's refusals is told as one of a restore, and which is a defect (T12)."""

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from onyx.backups.restore import Refused, _as_refusal


def test_only_a_taken_short_name_is_told_as_one(owner_url):
    """Whatever else is there twice is none of the asker's doing: it is logged as a defect, not taken for a name."""
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "create temp table twice (slug text constraint tenant_slug_unique unique, other text constraint other unique)"
        )
        for values, told in ((("a", "x"), None), (("a", "y"), Refused), (("b", "x"), UniqueViolation)):
            if told is None:
                connection.execute("insert into twice values (%s, %s)", values)
                continue
            with pytest.raises(told) as caught, _as_refusal(), connection.transaction():
                connection.execute("insert into twice values (%s, %s)", values)
            assert told is UniqueViolation or "short name" in str(caught.value)
