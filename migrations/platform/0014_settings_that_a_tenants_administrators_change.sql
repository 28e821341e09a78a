-- What a tenant's administrators may set themselves: a closed list of names; the tenant comes from the signed context.
-- Quotas and the least times of keeping things are not on it, those are the platform's. Null removes a setting.
-- Returns whether it was done: not for another purpose, nor against the platform's least times.
create function onyx.change_settings(wanted jsonb) returns boolean
language sql security definer begin atomic
    with kept as (
        select coalesce(jsonb_object_agg(w.key, w.value), '{}') as said from jsonb_each(wanted) w
         where w.key in ('email_domains', 'ip_allow', 'model_base_url', 'model_key_sealed', 'model_name',
                         'password_banned_words', 'password_min_length', 'retention_access_days', 'retention_chat_days')
    ), changed as (
        update onyx.tenant t set settings = jsonb_strip_nulls(t.settings || kept.said) from kept
         where t.id = onyx.ctx_tenant() and onyx.ctx_purpose_in('admin') and pg_column_size(wanted) < 65536
           and coalesce((kept.said->>'retention_access_days')::integer >= (t.settings->>'retention_access_least_days')::integer, true)
           and coalesce((kept.said->>'retention_chat_days')::integer >= (t.settings->>'retention_chat_least_days')::integer, true)
        returning 1
    )
    select exists (select from changed);
end;
grant execute on function onyx.change_settings(jsonb) to onyx_app;
