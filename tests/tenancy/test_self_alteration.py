"""What onyx_app may always do to itself (ALTER ROLE): connections that Onyx opens afterwards stand as before."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from onyx.core.db import db
from tests.tenancy import attack
from tests.tenancy.corpus import SELF


@pytest.fixture
def undone(addresses):
    """Put onyx_app back to what it was, as the superuser does at each start."""
    from onyx.tenancy.bootstrap import renew_login

    yield
    password = make_password(addresses["DATABASE_URL"])
    renew_login(make_conninfo(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx"), password)


def make_password(url: str) -> str:
    return psycopg.conninfo.conninfo_to_dict(url)["password"]


def test_new_connections_are_pinned(stage, undone):
    """All of it together, then fresh connections: each sees its own rows, with the settings of before."""
    heard = attack.log_in_raw(stage, [one for one in SELF if "password" not in one])
    assert any(one == "" for one in heard), "nothing could be altered: this test shows nothing"
    with stage.app.app_context():
        db.engine.dispose()
    assert attack.the_next_ones(stage) == stage.fresh


def test_a_restart_mends_the_login(stage, addresses, undone):
    from onyx.tenancy.bootstrap import renew_login

    attack.log_in_raw(stage, list(SELF))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(addresses["DATABASE_URL"])
    superuser = make_conninfo(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx")
    renew_login(superuser, make_password(addresses["DATABASE_URL"]))
    psycopg.connect(addresses["DATABASE_URL"]).close()
    with psycopg.connect(superuser) as connection:
        assert connection.execute("select count(*) from pg_db_role_setting").fetchone() == (0,)
