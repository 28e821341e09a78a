"""Statements that an attacker runs who has found an SQL injection as Alice of Acme, or the password of onyx_app.

Each case is a list of statements, run in order, each under its own savepoint, with {placeholders} filled in. Nothing
is expected of a case but that the wall holds afterwards: what test_attack.py checks is the same for all.
"""

from __future__ import annotations

TABLES = (
    "app_user", "profile", "credential", "user_role", "login_session", "project", "chat_session", "chat_message",
    "user_file", "file_passage", "audit_event", "access_entry",
)  # fmt: skip
CONTENT = ("project", "chat_session", "chat_message", "user_file", "file_passage")

CASES: dict[str, list[str]] = {}


def case(name: str, *statements: str) -> None:
    """Add a case; two of one name are a mistake."""
    assert name not in CASES, name
    CASES[name] = list(statements)


# -- reading: every table of both tenants, plainly and by detours
for schema in ("acme", "globex"):
    case(f"read every table of {schema}", *(f"select * from {{{schema}}}.{table}" for table in TABLES))
    case(f"count every table of {schema}", *(f"select count(*) from {{{schema}}}.{table}" for table in TABLES))
    case(
        f"read {schema} as xml",
        *(f"select query_to_xml('select * from {{{schema}}}.{t}', true, true, '')" for t in TABLES),
    )
    case(
        f"read {schema} by table sample", *(f"select * from {{{schema}}}.{t} tablesample system (100)" for t in CONTENT)
    )
    case(f"read {schema} for update", *(f"select * from {{{schema}}}.{t} for update" for t in TABLES))
    case(f"copy {schema} out", *(f"copy {{{schema}}}.{t} to stdout" for t in ("credential", "chat_message")))
    case(f"copy {schema} into", f"copy {{{schema}}}.chat_session from stdin")
    case(f"read {schema} by its statistics", "select * from pg_stats where schemaname = '{%s}'" % schema)
    case(f"truncate {schema}", *(f"truncate {{{schema}}}.{table} cascade" for table in TABLES))
    case(
        f"delete all of {schema} but mine",
        *(
            f"delete from {{{schema}}}.{t} where user_id <> '{{alice}}' returning *"
            for t in (*CONTENT, "profile", "credential", "user_role", "login_session")
        ),
        f"delete from {{{schema}}}.app_user returning *",
        f"delete from {{{schema}}}.audit_event returning *",
        f"delete from {{{schema}}}.access_entry returning *",
    )
    case(
        f"read partitions of {schema} directly",
        "select c.oid::regclass, * from pg_class c where relnamespace = '{%s}'::regnamespace and relispartition"
        % schema,
        f"select * from {{{schema}}}.{{event_partition}}",
        f"select * from {{{schema}}}.{{entry_partition}}",
    )
    case(
        f"search {schema} by function",
        f"select * from {{{schema}}}.search_messages('canary'::tsquery, 100)",
        f"select * from {{{schema}}}.search_messages('hello'::tsquery, 100)",
        f"select * from {{{schema}}}.search_passages('!nothing'::tsquery, 100)",
        f"select * from {{{schema}}}.get_user_sessions('{{bob}}', 100)",
        f"select * from {{{schema}}}.get_user_sessions('{{mallory}}', 100)",
        f"select * from {{{schema}}}.get_session_messages('{{bob_chat}}', 100, 0)",
        f"select * from {{{schema}}}.get_session_messages('{{mallory_chat}}', 100, 0)",
    )
case(
    "whole database as xml",
    "select database_to_xml(true, true, '')",
    "select schema_to_xml('{globex}', true, true, '')",
)
case(
    "statistics of words",
    "select * from ts_stat('select search from {globex}.chat_message')",
    "select * from ts_stat('select search from {acme}.chat_message')",
)
case(
    "the control plane",
    *(
        f"select * from onyx.{t}"
        for t in (
            "context_key",
            "directory",
            "revocation",
            "cache_generation",
            "tenant_migration",
            "platform_migration",
            "steward_request",
            "due",
        )
    ),
    "select * from onyx.tenant where id <> '{acme_id}' and slug like 'globex%'",
)
case("own rows, own right", "select * from {acme}.chat_session", "select title from chat_session")
case(
    "a join that hides its aim",
    "select m.content from {acme}.chat_session c join lateral (select content from {acme}.chat_message where user_id <> c.user_id) m on true",
    "with x as (select * from {acme}.profile) select display_name from x where user_id <> '{alice}'",
    "select (select content from {globex}.chat_message limit 1)",
    "select array(select password_hash from {acme}.credential)",
)
case(
    "a cast that tells",
    "select 1 from {acme}.chat_message where content::int = 1",
    "select 1 / (case when content like 'hello%' then 0 else 1 end) from {acme}.chat_message where user_id = '{bob}'",
    "select content::uuid from {globex}.chat_message",
    "select email::int from {acme}.app_user where id = '{bob}'",
)

# -- another role, another context
for role in ("{globex}", "{platform}", "onyx_owner", "postgres", "onyx_app", "none", "pg_read_all_data"):
    case(
        f"become {role}",
        f"set role {role}",
        "select * from {globex}.chat_message",
        "select * from {globex}.credential",
        f"set local role {role}",
        "select * from {acme}.chat_message",
        f"select set_config('role', '{role}', true)",
        "select * from onyx.context_key",
        "select * from {globex}.app_user",
    )
case(
    "become another session",
    "set session authorization onyx_owner",
    "set session authorization postgres",
    "set session authorization default",
    "select * from {globex}.chat_message",
)
for name in (
    "empty",
    "unsigned",
    "unsigned_padded",
    "expired",
    "edited_user",
    "edited_tenant",
    "edited_purpose",
    "edited_expiry",
    "edited_pid",
    "stolen_bob",
    "stolen_mallory",
    "other_key",
    "cut_short",
    "doubled",
    "upper_case",
    "no_pid",
):
    case(
        f"context {name}",
        f"select set_config('onyx.context', $x${{ctx_{name}}}$x$, true)",
        f"set local onyx.context = $x${{ctx_{name}}}$x$",
        f"set onyx.context = '{{ctx_{name}}}'",
        "select onyx.ctx()",
        "select content from {acme}.chat_message where user_id <> '{alice}'",
        "select * from {acme}.credential",
        "set role {globex}",
        "select * from {globex}.chat_message",
        f"set onyx.context = '{{ctx_{name}}}'",
        "select * from {globex}.chat_message",
        "select * from {globex}.profile",
    )
case(
    "context by a function's own settings",
    "create function {acme}.f() returns setof {acme}.chat_message language sql set \"onyx.context\" = 'v1|x' begin atomic select * from chat_message; end",
)
case(
    "settings that confuse the judge",
    "set local bytea_output = escape",
    "set local standard_conforming_strings = off",
    "set local transform_null_equals = on",
    "set local datestyle = 'SQL,DMY'",
    "set local timezone = 'Pacific/Apia'",
    "set local extra_float_digits = -15",
    "set local client_encoding = 'SQL_ASCII'",
    "select onyx.ctx()",
    "select content from {acme}.chat_message where user_id <> '{alice}'",
    "set onyx.context = '{ctx_edited_user}'",
    "select content from {acme}.chat_message where user_id <> '{alice}'",
)
case(
    "row security off",
    "set local row_security = off",
    "select * from {acme}.chat_message",
    "select * from {globex}.chat_message",
    "set row_security = off",
    "select * from {acme}.profile",
)
case("replication role", "set local session_replication_role = replica", "set session_replication_role = replica")
case(
    "leave the transaction",
    "commit",
    "select * from {acme}.chat_message",
    "set role {globex}",
    "select * from {globex}.chat_message",
    "begin",
    "select * from {acme}.profile",
)
case(
    "roll back the transaction",
    "rollback",
    "select * from {acme}.chat_message",
    "set role {globex}",
    "select * from {globex}.chat_message",
)
case(
    "leave things in the session",
    "commit",
    "set session row_security = off",
    "set session default_transaction_read_only = on",
    "set session statement_timeout = '1ms'",
    "set session timezone = 'Pacific/Apia'",
    "set session client_encoding = 'SQL_ASCII'",
    "set session search_path = {globex}, pg_catalog",
    "listen x",
    "select pg_advisory_lock(168886273)",
    "set session role {globex}",
    "select set_config('onyx.context', 'left', false)",
    "prepare left_behind as select * from chat_message",
    "declare left_open cursor with hold for select * from chat_session",
)
case(
    "prepared names of the driver",
    "deallocate all",
    *(f"prepare _pg3_{n} as select set_config('role', '{{globex}}', true)" for n in range(3)),
    "prepare _pg3_9(text,text,text) as select set_config('role','{acme}',true),set_config('search_path','{acme}',true),set_config('onyx.context','x',true)",
)
case(
    "one plan, two roles",
    "set local plan_cache_mode = force_generic_plan",
    "prepare g as select * from {globex}.chat_message",
    "execute g",
    "set role {globex}",
    "execute g",
    "set onyx.context = '{ctx_stolen_mallory}'",
    "execute g",
    "deallocate g",
)
case(
    "a cursor over two roles",
    "declare cu cursor for select * from {globex}.chat_message",
    "fetch all from cu",
    "set role {globex}",
    "fetch all from cu",
    "declare cv cursor for select * from {globex}.chat_message",
    "fetch all from cv",
)
case(
    "stacked statements",
    "select 1; set role {globex}; select * from {globex}.chat_message",
    "select 1; drop owned by {globex}",
    "select 1; reset role; update {globex}.profile set display_name = 'x'",
    "; delete from {globex}.chat_session",
    "begin; commit; select * from {acme}.profile where user_id <> '{alice}'",
)
case(
    "do blocks",
    "do $x$ begin perform 1; end $x$",
    "do $x$ begin execute 'update {globex}.profile set display_name = ''x'''; end $x$",
    "do language sql $x$ select 1 $x$",
)
case(
    "asserts off",
    "set local plpgsql.check_asserts = off",
    "set plpgsql.variable_conflict = use_column",
    "select onyx.ctx()",
    "select * from {acme}.profile where user_id <> '{alice}'",
)

# -- objects of one's own
case(
    "temporary tables in the way",
    "create temp table chat_message (id int, content text)",
    "create temp table context_key (id int, ipad bytea, opad bytea)",
    "create table pg_temp.audit_event (id int)",
    "create temp view chat_message as select 1",
    "create temp sequence s",
    "select * into temp x from {acme}.chat_session",
    "create temporary table x as select * from {acme}.profile",
)
case(
    "temporary types and functions",
    "create domain pg_temp.text as pg_catalog.text",
    "create domain pg_temp.bytea as pg_catalog.bytea",
    "create type pg_temp.uuid as enum ('a')",
    "create domain pg_temp.timestamptz as pg_catalog.timestamptz",
    "create function pg_temp.evil(x text) returns bool language sql as 'select true'",
    "create function pg_temp.sha256(x bytea) returns bytea language sql as $$select '\\x00'::bytea$$",
    "create operator pg_temp.=== (procedure = texteq, leftarg = text, rightarg = text)",
    "create cast (text as uuid) with inout as implicit",
    "create aggregate pg_temp.a (text) (sfunc = textcat, stype = text)",
)
case(
    "objects in other schemas",
    "create schema s",
    *(
        f"create {what}"
        for where in ("{acme}", "{globex}", "onyx", "public", "pg_catalog")
        for what in (
            f"table {where}.t (x int)",
            f"view {where}.v as select * from {{globex}}.chat_message",
            f"function {where}.f() returns int language sql security definer as 'select 1'",
            f"domain {where}.text as pg_catalog.text",
        )
    ),
)
case(
    "change the house",
    "create policy z on {acme}.chat_session using (true)",
    "drop policy chat_session_own on {acme}.chat_session",
    "alter policy chat_session_own on {acme}.chat_session using (true)",
    "alter table {acme}.chat_session disable row level security",
    "alter table {acme}.chat_session owner to {acme}",
    "alter table {acme}.app_user add column x int",
    "alter table {acme}.audit_event disable trigger all",
    "drop trigger append_only on {acme}.audit_event",
    "drop function {acme}.audit_append(jsonb)",
    "drop table {acme}.chat_message cascade",
    "drop schema {globex} cascade",
    "create trigger t before insert on {acme}.chat_session for each row execute function suppress_redundant_updates_trigger()",
    "create rule r as on select to {acme}.profile do instead select 1",
    "alter function onyx.ctx() set search_path = pg_temp",
    "alter function onyx.ctx() security invoker",
    "create or replace function onyx.ctx() returns text[] language sql as 'select null'",
    "alter schema {acme} rename to x",
    "comment on table {acme}.app_user is 'x'",
    "create index x on {acme}.profile (display_name)",
    "create statistics st on id, email from {acme}.app_user",
    "analyze {globex}.chat_message",
    "vacuum {globex}.chat_message",
    "cluster {acme}.app_user",
    "reindex table {acme}.app_user",
    "refresh materialized view x",
    "create event trigger e on ddl_command_start execute function x()",
    "alter database onyx set row_security = off",
    "alter system set fsync = off",
    "create extension dblink",
    "create extension postgres_fdw",
    "load 'auto_explain'",
    "create publication p for all tables",
    "create subscription s connection 'x' publication p",
    "create server s foreign data wrapper f",
    "create language plpythonu",
    "create tablespace t location '/tmp'",
    "create database d",
    "drop database onyx",
    "checkpoint",
    "security label on table {acme}.app_user is 'x'",
    "alter extension btree_gin set schema {acme}",
    "import foreign schema x from server y into z",
)
case(
    "grants and roles",
    "grant onyx_owner to onyx_app",
    "grant onyx_app to {acme}",
    "grant {globex} to {acme}",
    "grant {globex} to onyx_app with admin option",
    "revoke {acme} from onyx_app",
    "grant select on {globex}.chat_message to public",
    "grant all on {acme}.credential to {acme}",
    "revoke select on {acme}.profile from {acme}",
    "create role r superuser",
    "drop role {globex}",
    "alter role {globex} login superuser",
    "alter role onyx_app superuser",
    "alter role onyx_app bypassrls",
    "alter role onyx_app createrole",
    "alter role onyx_owner password 'x'",
    "alter user postgres password 'x'",
    "grant set on parameter session_replication_role to onyx_app",
    "grant execute on function onyx.people_counts(uuid[]) to {acme}",
    "grant usage on language plpgsql to {acme}",
)
case(
    "drop owned",
    "drop owned by {globex}",
    "drop owned by {acme} cascade",
    "drop owned by onyx_app",
    "drop owned by current_user cascade",
    "reassign owned by {globex} to {acme}",
    "reassign owned by onyx_owner to onyx_app",
    "set role {globex}",
    "drop owned by {globex}",
    "drop owned by {globex} cascade",
)
case(
    "large objects",
    "select lo_from_bytea(0, 'persist')",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/x')",
    "select * from pg_largeobject",
    "select lo_unlink(oid) from pg_largeobject_metadata",
    "select lowrite(0, 'x')",
)
case(
    "messages",
    "select pg_notify('x', 'y')",
    "select pg_logical_emit_message(false, 'x', 'y')",
    "select pg_logical_emit_message(false, 'x', 'y'::bytea)",
    "notify x",
    "listen onyx",
    "select pg_export_snapshot()",
    "prepare transaction 'x'",
)
case(
    "files and programs",
    "copy {acme}.chat_session to program 'id'",
    "copy {acme}.chat_session to '/tmp/onyx-stolen'",
    "copy {acme}.chat_session from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "select * from pg_stat_file('/etc/passwd')",
    "select * from pg_ls_logdir()",
    "select * from pg_hba_file_rules",
    "select pg_current_logfile()",
    "select pg_read_server_files()",
)

# -- oracles
case(
    "who else is there",
    "select * from pg_stat_activity",
    "select query from pg_stat_activity where usename = 'onyx_app'",
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
    "select pg_cancel_backend(pid) from pg_stat_activity",
    "select * from pg_stat_get_activity(null)",
    "select * from pg_stat_replication",
    "select * from pg_stat_ssl",
    "select pg_stat_get_backend_activity(s) from pg_stat_get_backend_idset() s",
    "select * from pg_prepared_statements",
    "select * from pg_cursors",
    "select * from pg_locks",
    "select * from pg_stat_statements",
    "select * from pg_stat_get_wal_senders()",
)
case(
    "counters",
    "select * from pg_stat_user_tables",
    "select * from pg_stat_xact_user_tables",
    "select * from pg_statio_user_tables",
    "select * from pg_stat_user_indexes",
    "select pg_relation_size('{globex}.chat_message')",
    "select pg_total_relation_size('{globex}.chat_message'::regclass)",
    "select * from pg_sequences",
    "select * from pg_statistic",
    "select * from pg_stats_ext",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select * from pg_user_mapping",
    "select currtid2('{globex}.chat_message', '(0,1)')",
)
case(
    "foreign keys tell nothing",
    "insert into chat_message (user_id, id, chat_session_id, role, content) values ('{alice}', gen_random_uuid(), '{bob_chat}', 'user', 'into bob''s chat')",
    "insert into chat_session (user_id, id, project_id) values ('{alice}', gen_random_uuid(), '{bob_project}')",
    "insert into file_passage (user_id, file_id, ordinal, content) values ('{alice}', '{bob_file}', 9, 'x')",
    "update chat_session set project_id = '{bob_project}' where user_id = '{alice}'",
    "insert into chat_message (user_id, id, chat_session_id, parent_id, role, content) values ('{alice}', gen_random_uuid(), '{alice_chat}', '{bob_message}', 'user', 'x')",
)
case(
    "unique keys tell nothing",
    "insert into chat_session (user_id, id) values ('{alice}', '{bob_chat}') on conflict do nothing returning id",
    "insert into chat_session (user_id, id) values ('{bob}', '{bob_chat}') on conflict (user_id, id) do update set title = 'mine' returning *",
    "insert into app_user (id, email, email_digest) values ('{bob}', 'x@y.z', '\\x01') on conflict (id) do update set email = 'x@y.z' returning *",
    "insert into profile (user_id, display_name) values ('{bob}', 'x') on conflict (user_id) do update set display_name = 'x' returning *",
    "merge into {acme}.profile p using (select '{bob}'::uuid id) s on p.user_id = s.id when matched then update set display_name = 'x' when not matched then insert (user_id, display_name) values (s.id, 'x')",
)
case(
    "plans tell nothing",
    "explain (analyze, verbose) select * from {globex}.chat_message where content like 'canary%'",
    "explain (analyze) select * from {acme}.chat_session where user_id = '{bob}'",
    "explain (generic_plan) select * from {globex}.app_user where email = $1",
    "explain (format json) select * from {globex}.profile where display_name < 'n'",
    "set local debug_print_plan = on",
    "set local client_min_messages = debug5",
    "select * from {globex}.chat_message",
    "set local log_statement = 'all'",
)
case(
    "leaks before the policy",
    "select * from {acme}.chat_message where textregexeq(content, 'canary') and query_to_xml('select 1', true, true, '') is not null",
    "select * from {acme}.profile where display_name::regclass is not null",
    "select * from {acme}.profile where display_name::json is not null",
    "select * from {acme}.profile where xpath_exists(display_name, '<a/>')",
    "select * from {acme}.chat_session where to_date(title, 'YYYY') is not null",
    "select max(content) over (), row_number() over () from {acme}.chat_message",
    "select string_agg(content, ',') from {globex}.chat_message",
)

# -- writing where one must not
case(
    "rows for somebody else",
    "insert into chat_session (user_id, id, title) values ('{bob}', gen_random_uuid(), 'planted')",
    "insert into {globex}.chat_session (user_id, id, title) values ('{mallory}', gen_random_uuid(), 'planted')",
    "insert into user_file (user_id, id, name, media_type, size, sha256, content) values ('{bob}', gen_random_uuid(), 'x', 'x', 1, '', 'x')",
    "update chat_session set user_id = '{bob}'",
    "update chat_message set user_id = '{bob}', content = 'x'",
    "update user_file set user_id = '{bob}'",
    "update {globex}.chat_session set title = 'defaced' returning *",
    "update chat_session set title = 'defaced' where user_id <> '{alice}' returning *",
    "update profile set display_name = 'defaced' where user_id <> '{alice}'",
    "update {globex}.profile set display_name = 'defaced'",
    'select {acme}.audit_append(\'[{{"event_id": "{uuid}", "occurred_at": "2026-01-01", "action": "chat.created", "schema_version": 1, "outcome": "success"}}]\')',
)
case(
    "power for oneself",
    "insert into user_role (user_id, role) values ('{alice}', 'admin')",
    "insert into user_role (user_id, role) values ('{alice}', 'platform_admin')",
    "update user_role set role = 'admin'",
    "update app_user set status = 'active', email = 'x@y.z'",
    "update app_user set status = 'suspended' where id = '{bob}'",
    "delete from user_role",
    "select * from credential",
    "update credential set password_hash = 'x'",
    "insert into credential (user_id, password_hash) values ('{alice}', 'x')",
    "insert into login_session (user_id, id, token_digest, idle_seconds, expires_at) values ('{alice}', gen_random_uuid(), '\\x01', 1, now() + interval '1 year')",
    "insert into login_session (user_id, id, token_digest, idle_seconds, expires_at) values ('{bob}', gen_random_uuid(), '\\x01', 1, now())",
    "update login_session set expires_at = now() + interval '10 years'",
    "update login_session set user_id = '{bob}'",
    "update login_session set state = 'revoked' where user_id = '{bob}'",
    "select token_digest from login_session where user_id = '{bob}'",
)
case(
    "edit what is over",
    "update chat_message set content = 'rewritten' where role = 'user'",
    "delete from chat_message where user_id = '{bob}'",
    "update chat_message set status = 'pending', role = 'assistant'",
    "update audit_event set action = 'x'",
    "delete from audit_event",
    "truncate audit_event",
    "insert into audit_event (event_id, occurred_at, action, actor, purpose, request, targets, outcome, changes, details) values (gen_random_uuid(), now(), 'x', '{{}}', 'admin', '{{}}', '[]', 'success', '[]', '{{}}')",
    "insert into access_entry (occurred_at, id, kind, method, route, status, duration_us) values (now(), gen_random_uuid(), 'http', '', '', 200, 1)",
    "alter table audit_event detach partition {event_partition}",
    "drop table {acme}.{event_partition}",
    "update {acme}.{event_partition} set action = 'x'",
    "delete from {acme}.{event_partition}",
)
case(
    "erase the line",
    "savepoint mine",
    "update chat_session set title = 'unexplained' where user_id = '{alice}'",
    "select {acme}.audit_append('[]')",
    "rollback to mine",
    "update project set name = 'unexplained'",
    "set constraints all immediate",
    "set constraints all deferred",
)
_EVENT = (
    '[{{\\"event_id\\": \\"{uuid}\\", \\"occurred_at\\": \\"2020-01-01\\", \\"action\\": \\"user.suspended\\", \\"schema_version\\": 1, '
    '\\"outcome\\": \\"success\\", \\"actor_id\\": \\"{bob}\\", \\"purpose\\": \\"admin\\", \\"actor\\": {{\\"display\\": \\"forged\\"}}}}]'
).replace('\\"', '"')
case(
    "forge the trail",
    f"select {{acme}}.audit_append('{_EVENT}')",
    f"select {{globex}}.audit_append('{_EVENT}')",
    f"select {{platform}}.audit_append('{_EVENT}')",
    "set role {globex}",
    f"select {{globex}}.audit_append('{_EVENT}')",
    "select {globex}.audit_append('[]')",
    'select {acme}.access_append(\'[{{"occurred_at": "2026-11-01", "id": "{uuid}", "kind": "http", "method": "GET", "route": "/", "status": 200, "duration_us": 1}}]\')',
    "select {globex}.access_append('[]')",
    "select {acme}.must_be_recorded()",
    "select {acme}.refuse_change()",
    "select {acme}.update_session_last_message()",
)
case(
    "functions of the control plane, hostile arguments",
    "select onyx.announce(gen_random_uuid(), 'tenant', '{globex_id}', 'x', '{globex_id}')",
    "select onyx.announce(gen_random_uuid(), 'user', '{mallory}', 'x', '{globex_id}')",
    "select onyx.announce(gen_random_uuid(), 'tenant', '{acme_id}', 'x', '{globex_id}')",
    "select onyx.announce(gen_random_uuid(), 'user', '{bob}', 'suspended', '{globex_id}')",
    "select onyx.announce(gen_random_uuid(), 'nonsense', '{alice}', 'x', '{globex_id}')",
    "select onyx.mark_due('sessions', '-infinity')",
    "select onyx.mark_due('x; drop', now())",
    "select onyx.mark_due(null, null)",
    "select onyx.directory_add('\\x00')",
    "select onyx.directory_remove('\\x00')",
    "select onyx.directory_remove(email_digest) from {acme}.app_user",
    "select onyx.find_tenant('\\x00')",
    "select * from onyx.find_tenant(null)",
    "select onyx.platform_id()",
    "select * from onyx.people_counts(array['{globex_id}'::uuid])",
    "select onyx.ctx_user('{globex_hex}', 'member')",
    "select onyx.ctx_allows('{globex_hex}', 'admin', 'auth')",
    "update onyx.tenant set status = 'suspended'",
    "update onyx.tenant set slug = 'x'",
    "delete from onyx.revocation",
    "update onyx.cache_generation set generation = 0",
    "insert into onyx.steward_request (id, operation, arguments) values (gen_random_uuid(), 'drop', '{{}}')",
    "delete from onyx.due",
    "insert into onyx.context_key values (2, '', '')",
    "insert into onyx.directory values ('\\x00', '{globex_id}')",
    "lock table onyx.tenant in access exclusive mode",
    "update onyx.context_key set ipad = ''",
)
case(
    "locks",
    "lock table {globex}.chat_session in access exclusive mode",
    "lock table onyx.revocation in exclusive mode",
    "select pg_advisory_xact_lock(168886273)",
    "select pg_try_advisory_lock(1)",
    "set role {globex}",
    "lock table {globex}.chat_session in share mode nowait",
)
case(
    "set config by the back door",
    "update pg_settings set setting = '{globex}' where name = 'role'",
    "select set_config('role', '{globex}', false)",
    "select set_config('session_authorization', 'onyx_owner', false)",
    "select pg_catalog.set_config('search_path', '{globex}', false)",
    "select * from chat_message",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "update pg_settings set setting = 'off' where name = 'row_security'",
    "select * from {acme}.chat_message",
)
case(
    "two-phase tricks",
    "select 1 where exists (select set_config('role', '{globex}', true)) and exists (select * from {globex}.chat_message)",
    "with r as materialized (select set_config('role', '{globex}', true)) select content from r, {globex}.chat_message",
    "with c as materialized (select set_config('onyx.context', '{ctx_stolen_bob}', true)) select content from c, {acme}.chat_message where user_id = '{bob}'",
    "select set_config('onyx.context', '', true), (select count(*) from {acme}.chat_message where user_id = '{bob}')",
)
# What a role may always do to itself; the wall must stand nevertheless (test_self_alteration.py).
SELF = (
    "set role {acme}; alter role {acme} set role = '{globex}'; reset role",
    "alter role onyx_app password 'taken'", "alter role onyx_app set default_transaction_read_only = on",
    "alter role onyx_app set row_security = off", "alter role onyx_app set role = '{globex}'", "alter role onyx_app set statement_timeout = '1ms'",
    "alter role onyx_app set search_path = '{globex}'", "alter role onyx_app set local_preload_libraries = 'nosuch'", "alter role onyx_app set lock_timeout = 1",
    "alter role onyx_app set idle_in_transaction_session_timeout = 1", "alter role onyx_app set timezone = 'Pacific/Apia'", "alter role onyx_app in database onyx set row_security = off",
    "alter role onyx_app set client_encoding = 'SQL_ASCII'", "alter role onyx_app set default_transaction_isolation = 'serializable'",
    "alter role onyx_app set \"onyx.context\" = 'x'", "alter role onyx_app set datestyle = 'SQL, DMY'", "alter role onyx_app set bytea_output = 'escape'",
    "alter role onyx_app set standard_conforming_strings = off", "alter role onyx_app set intervalstyle = 'sql_standard'", "alter role onyx_app set enable_seqscan = off",
    "alter role onyx_app set idle_session_timeout = 1", "alter role onyx_app set default_transaction_deferrable = on", "alter role onyx_app set session_preload_libraries = 'nosuch'",
    "alter role onyx_app set plan_cache_mode = force_generic_plan", "alter role onyx_app set work_mem = '64kB'", "alter role onyx_app set array_nulls = off",
    "alter role onyx_app set transaction_timeout = 1", "alter role onyx_app set event_triggers = off", "alter role onyx_app set extra_float_digits = -15",
    "alter default privileges grant all on tables to public",
)  # fmt: skip
