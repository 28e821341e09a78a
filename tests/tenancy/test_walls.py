"""What each purpose may see, and the belts one by one."""

from __future__ import annotations

import os
from contextlib import suppress

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import DBAPIError, InternalError

from onyx.core.db import rows, unit_of_work
from onyx.core.errors import ScopeMissing
from onyx.core.scope import tenant_scope
from onyx.core.wire import Fixed
from tests.tenancy import attack
from tests.tenancy.corpus import CONTENT, TABLES

PURPOSES = ("admin", "auditor", "platform", "auth", "breakglass", "job:sessions", "job:provision", "job:access_log",
            "job:control", "job:anything")  # fmt: skip


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("name", ["dana", "carol", "alice", "petra", "bob"])
def test_no_other_purpose_reads_what_people_wrote(stage, purpose, name):
    """Not even one's own: content is for purpose `member`, and there for its own person."""
    acme = stage.world.acme
    asked = [f"select * from {acme.schema}.{table}" for table in CONTENT]
    asked += [f"select * from {acme.schema}.search_messages('hello'::tsquery, 9)",
              f"select * from {acme.schema}.search_passages('hello'::tsquery, 9)",
              f"select * from {acme.schema}.get_session_messages('{stage.owns['alice'].chat}', 9, 0)",
              f"select * from {acme.schema}.get_user_sessions('{stage.owns['bob'].user}', 9)"]  # fmt: skip
    with stage.app.app_context(), tenant_scope(acme.id, purpose, stage.world[name].id), unit_of_work() as session:
        for statement in asked:
            assert rows(session, statement) == [], statement


@pytest.mark.parametrize("purpose", ["admin", "auditor", "platform", "job:sessions"])
def test_password_hashes_are_for_signing_in_alone(stage, purpose):
    scope = (stage.world.acme.id, purpose, stage.world.dana.id)
    with stage.app.app_context(), tenant_scope(*scope), unit_of_work() as session:
        assert rows(session, "select * from credential") == []


def test_a_purpose_of_one_tenant_is_nothing_in_another(stage):
    for purpose in ("admin", "auditor", "auth", "platform", "job:sessions"):
        heard = attack.inject(
            stage,
            ["reset role", "set role {globex}", *(f"select * from {{globex}}.{t}" for t in TABLES)],
            purpose,
            "dana",
        )
        assert set(heard) == {"", "[]"}, purpose


def test_without_a_scope_there_is_no_connection_with_rights(stage):
    with stage.app.app_context(), pytest.raises(ScopeMissing), unit_of_work() as session:
        rows(session, "select 1")


def test_the_trail_names_the_one_who_acted(stage, owner):
    """Whatever the statement says: actor, purpose and name come from the signed context."""
    event = (
        '[{"event_id": "0199a000-0000-7000-8000-000000000001", "occurred_at": "2026-11-21", "action": "user.suspended",'
    )
    event += ' "schema_version": 1, "outcome": "success", "actor": {"display": "Dana", "name": "Dana"}, "actor_id": "x", "purpose": "admin"}]'
    with stage.app.app_context(), tenant_scope(stage.world.acme.id, "member", stage.world.alice.id):
        with unit_of_work() as session:
            rows(session, "select audit_append(%s::jsonb)", event)
    found = owner.execute(
        f"select actor_id, purpose, actor->>'display', actor->>'name' from {stage.world.acme.schema}.audit_event"
        " where event_id = '0199a000-0000-7000-8000-000000000001'"
    ).fetchall()
    assert found == [(stage.world.alice.id, "member", stage.world.alice.email, stage.world.alice.name)]


def test_plans_do_not_count_another_tenants_lines(stage):
    """Without this tenant's context no partition of the logs is scanned at all."""
    for table in ("audit_event", "access_entry"):
        plan = "\n".join(attack.inject(stage, ["reset role", "set role {globex}",
            f"explain (analyze, timing off) select * from {{globex}}.{table}"]))  # fmt: skip
        assert "One-Time Filter" in plan and "never executed" in plan and "Rows Removed" not in plan, plan


def test_functions_that_run_as_the_owner_cannot_be_led_astray(stage, addresses):
    """Each has a body bound at creation, or a path that ends in pg_temp; none relies on ASSERT; PUBLIC calls none."""
    with psycopg.connect(make_conninfo(addresses["DATABASE_SUPERUSER_URL"], dbname="onyx")) as connection:
        found = connection.execute(
            "select p.oid::regprocedure::text, prosqlbody is not null, proconfig, prosrc, proacl::text from pg_proc p"
            " join pg_namespace n on n.oid = pronamespace where prosecdef and (nspname = 'onyx' or nspname = %s)",
            [stage.world.acme.schema],
        ).fetchall()
    assert len(found) >= 8
    for name, bound, config, source, rights in found:
        path = next((one for one in config or () if one.startswith("search_path=")), "")
        assert bound or path.endswith("pg_temp"), f"{name}: use BEGIN ATOMIC or end its search_path in pg_temp"
        assert "assert" not in source.lower(), f"{name}: ASSERT can be switched off by whoever calls"
        assert rights is not None, f"{name}: revoke it from PUBLIC"


_MINE = Fixed("select id, preview from chat_session where user_id = %s")
_ALL = Fixed("select id, preview from chat_session")
_PREPARED = "select name from pg_prepared_statements where name like 'fixed_%%'"


def _canaries(stage, name, times=7):
    """What somebody reads by prepared statements, often enough for a plan that is kept (the sixth time)."""
    person, heard = stage.world[name], []
    for _ in range(times):
        with stage.app.app_context(), tenant_scope(person.tenant.id, "member", person.id), unit_of_work() as session:
            heard = [str(rows(session, statement, *values)) for statement, values in ((_MINE, [person.id]), (_ALL, []))]
    return {other for other in stage.owns if str(stage.owns[other].chat) in "".join(heard)}


def test_a_kept_plan_serves_each_person_and_each_tenant_their_own(stage):
    """One connection, statements that stay prepared, two people of one tenant and one of another, in turns."""
    for _ in range(2):
        for name in ("alice", "mallory", "bob"):
            assert _canaries(stage, name) == {name}


def test_prepared_statements_that_somebody_replaced_serve_nobody(stage):
    """Whoever can run SQL can put another statement under a name; at the end of the transaction all of them go."""
    assert _canaries(stage, "bob") == {"bob"}
    alice = stage.world.alice
    scope = (alice.tenant.id, "member", alice.id)
    with stage.app.app_context(), tenant_scope(*scope), unit_of_work() as session:
        names = [row.name for row in rows(session, _PREPARED)]
        assert names, "nothing was prepared: the attack would prove nothing"
        for name in names:
            rows_of = session.connection().exec_driver_sql
            rows_of(f"deallocate {name}")
            rows_of(f"prepare {name} as select '{stage.owns['alice'].chat}'::uuid as id, 'replaced' as preview")
    for name in ("bob", "mallory", "alice"):
        assert _canaries(stage, name) == {name}
    with stage.app.app_context(), tenant_scope(*scope), unit_of_work() as session:
        now = {row.name for row in rows(session, _PREPARED)}
    assert now and not now & set(names), "no name is used twice"


def test_what_is_left_behind_goes_whatever_way_it_came(stage):
    """A fixed statement before or after a foreign one does not keep the reset from being sent."""
    alice = stage.world.alice
    for order in ((_ALL, "set application_name = 'left'"), ("set application_name = 'left'", _ALL)):
        with stage.app.app_context(), tenant_scope(alice.tenant.id, "member", alice.id), unit_of_work() as session:
            for statement in order:
                session.connection().exec_driver_sql(statement) if statement is not _ALL else rows(session, _ALL)
        with stage.app.app_context(), tenant_scope(alice.tenant.id, "member", alice.id), unit_of_work() as session:
            assert rows(session, _SETTING)[0].current_setting != "left"


_SETTING = Fixed("select current_setting('application_name')")


def test_a_hole_would_be_seen(stage, owner):
    """The attack test can fail: with one policy too many it hears Bob's canary, with one right too many it sees harm."""
    table = f"{stage.world.acme.schema}.chat_session"
    before = attack.fingerprint(stage)
    owner.execute(f"create policy hole on {table} using (true)")
    try:
        heard = attack.inject(stage, [f"select * from {table}", f"update {table} set preview = 'defaced'"])
        assert stage.owns["bob"].canary in attack.leaked(stage, heard)
        after = attack.fingerprint(stage)
        assert {name for name in before if before[name] != after[name]} == {table, "policies"}
    finally:
        owner.execute(f"drop policy hole on {table}")
        owner.execute(f"update {table} set preview = ''")


# -- statements that nobody has written down


@pytest.fixture
def before(stage):
    return attack.fingerprint(stage)


_TABLE = st.builds("{{{}}}.{}".format, st.sampled_from(["acme", "globex", "platform"]), st.sampled_from(TABLES))
_NAME = _TABLE | st.sampled_from(
    [*TABLES, "onyx.tenant", "onyx.context_key", "onyx.directory", "onyx.revocation", "onyx.due"]
)
_WHO = st.sampled_from(["alice", "bob", "mallory"]).map("'{{{}}}'".format)
_WHERE = st.builds(" where {} = {}".format, st.sampled_from(["user_id", "id", "actor_id"]), _WHO) | st.sampled_from(
    [
        "",
        " where true",
        " where user_id <> '{alice}'",
        " where user_id::text > ''",
        " where (user_id is null) is not true",
    ]
)
_READ = st.builds("select * from {}{}".format, _NAME, _WHERE) | st.builds(
    "select a.*, b.* from {} a full join {} b on true".format, _NAME, _NAME
)
_WRITE = (
    st.builds("delete from {}{}".format, _NAME, _WHERE)
    | st.builds("update {} set {} = {}{}".format, _NAME, st.sampled_from(
        ["user_id", "title", "name", "content", "display_name", "state", "status", "role", "email", "preview"]), _WHO, _WHERE)
    | st.builds("insert into {} (user_id, id) values ({}, gen_random_uuid())".format, _NAME, _WHO)
    | st.builds("insert into {} select * from {}".format, _NAME, _NAME)
)  # fmt: skip
_WRAP = st.sampled_from([
    "{}", "explain analyze {}", "with x as ({}) select * from x", "select row_to_json(x) from ({}) x", "copy ({}) to stdout",
    "prepare p as {}", "declare c cursor with hold for {}", "select query_to_xml($q${}$q$, true, false, '')", "({}) union ({})",
    "create table t as {}", "select count(*) from ({}) x", "{} returning *", "create view v as {}", "{} for update", "{}; select 1",
])  # fmt: skip
_STATEMENT = st.builds(lambda wrap, inner: wrap.replace("{}", inner), _WRAP, _READ | _WRITE)
_TURN = st.sampled_from([
    "set role {globex}", "set role {platform}", "reset role", "set search_path = {globex}", "set onyx.context = '{ctx_stolen_bob}'",
    "set onyx.context = '{ctx_stolen_mallory}'", "set onyx.context = '{ctx_edited_user}'", "set row_security = off", "commit", "begin", "rollback",
    "execute p", "fetch all from c", "savepoint attack", "select set_config('role', '{globex}', false)", "set local enable_seqscan = off",
])  # fmt: skip


@settings(max_examples=int(os.environ.get("ATTACK_EXAMPLES", "200")), suppress_health_check=list(HealthCheck))
@given(statements=st.lists(_STATEMENT | _TURN, min_size=1, max_size=8))
def test_statements_that_nobody_wrote_down(stage, before, statements):
    heard = attack.inject(stage, statements)
    assert attack.leaked(stage, heard) == [], f"heard after {statements}"
    assert (found := attack.the_next_ones(stage)) == stage.fresh, f"the next one met {found} after {statements}"
    after = attack.fingerprint(stage)
    assert {name for name, _ in before.items() ^ after.items()} == set(), f"changed by {statements}"


def test_a_transaction_that_failed_is_never_reported_as_committed(session_of):
    """PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement failed and somebody went on."""
    with pytest.raises(InternalError), session_of("alice") as session:
        with suppress(DBAPIError):
            rows(session, "select 1 / 0")
    with session_of("alice") as session:
        assert rows(session, "select 1 as one")[0].one == 1, "the connection is good for the next one"
