"""Reading every table of both tenants, plainly and by detours."""

from tests.tenancy.corpus import CONTENT, TABLES, case

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
    case(f"read {schema} by its statistics", f"select * from pg_stats where schemaname = '{{{schema}}}'")
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
        f"select * from pg_class c where relnamespace = '{{{schema}}}'::regnamespace and relispartition",
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
            "signing_key",
            "master_key",
            "signing_secret()",
            "tenant_key",
            "user_key",
            "wrapped_keys()",
            "erasure",
            "directory",
            "revocation",
            "cache_generation",
            "tenant_migration",
            "platform_migration",
            "steward_request",
            "deletion",
            "tenant_note",
            "tenant_size",
            "tenant_day",
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
