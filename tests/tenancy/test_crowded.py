"""Where PostgreSQL lets nobody else in (SQLSTATE 53300), connections that lie idle or come back serve, too (O2)."""

import os
import threading
import time

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from onyx.core.ids import uuid7
from onyx.core.pool import TENANTS_BEFORE_ANOTHER, ByTenant
from onyx.core.scope import tenant_scope

LET_IN, PATIENCE = 2, 3.0


@pytest.fixture
def engine(owner, owner_url):
    """A pool with room for more connections than its role is let in with."""
    role, password = f"crowd_{os.urandom(4).hex()}", os.urandom(8).hex()
    owner.execute(f"create role {role} login connection limit {LET_IN} password '{password}'")
    owner.execute(f"grant connect on database {owner.info.dbname} to {role}")

    def connect():
        return psycopg.connect(owner_url, user=role, password=password)

    made = create_engine(
        "postgresql+psycopg://", creator=connect, poolclass=ByTenant, pool_size=5, max_overflow=0, pool_timeout=PATIENCE
    )
    yield made
    made.dispose()
    owner.execute(f"revoke connect on database {owner.info.dbname} from {role}")
    owner.execute(f"drop role {role}")


def _know_many(*connections):
    for one in connections:
        one.info["tenants"] = {uuid7() for _ in range(TENANTS_BEFORE_ANOTHER)}


def test_a_newcomer_takes_one_that_lies_idle(engine):
    """Each knows enough tenants, so that a newcomer would get one of its own, were there one to be had."""
    idle = [engine.connect() for _ in range(LET_IN)]
    _know_many(*idle)
    for one in idle:
        one.close()
    with tenant_scope(uuid7(), "member"), engine.connect() as mine:
        assert mine.exec_driver_sql("select 1").scalar() == 1


def test_who_finds_none_waits_for_the_next_that_comes_back_and_no_longer(engine):
    held = [engine.connect() for _ in range(LET_IN)]
    late = threading.Timer(0.3, held.pop().close)
    late.start()
    with engine.connect() as mine:
        assert mine.exec_driver_sql("select 1").scalar() == 1
        began = time.monotonic()
        with pytest.raises(OperationalError, match="too many"):
            engine.connect()
        assert time.monotonic() - began >= PATIENCE
    late.join()
    held[0].close()
    with engine.connect() as again:
        assert again.exec_driver_sql("select 1").scalar() == 1, "nothing was lost on the way"
