"""Questions whose answers tell something of others."""

from tests.tenancy.corpus import case

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
