"""Another role, another context, other settings."""

from tests.tenancy.corpus import case

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
