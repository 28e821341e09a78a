-- Retention: whether a legal hold keeps everything, when a tenant has something to set aside or to let go, and which
-- months of access logs were archived before they were dropped.

-- A line here means that retention deletes nothing of this tenant. Written through two functions alone, which take who
-- and where from the signed context.
create table onyx.legal_hold (
    tenant_id uuid constraint legal_hold_pk primary key
        constraint legal_hold_tenant references onyx.tenant (id) on delete cascade,
    since timestamptz not null default clock_timestamp(),
    set_by uuid,
    set_as text not null,
    reason text not null
);
alter table onyx.legal_hold enable row level security;
create policy legal_hold_platform on onyx.legal_hold for select using ((select onyx.ctx_purpose_in('platform')));
create policy legal_hold_own on onyx.legal_hold for select
    using (tenant_id = (select onyx.ctx_tenant())
           and (select onyx.ctx_purpose_in('admin', 'auditor', 'job:retention', 'member')));
grant select on onyx.legal_hold to onyx_app;

create function onyx.legal_hold_begin(named text, why text) returns boolean
language sql security definer begin atomic
    with begun as (
        insert into onyx.legal_hold (tenant_id, set_by, set_as, reason)
        select onyx.ctx_tenant(), nullif((onyx.ctx())[3], '')::uuid, left(named, 200), left(why, 500)
         where onyx.ctx_purpose_in('admin', 'platform') and onyx.ctx_tenant() is not null
        on conflict do nothing returning 1
    )
    select exists (select from begun);
end;
create function onyx.legal_hold_end() returns boolean
language sql security definer begin atomic
    with ended as (
        delete from onyx.legal_hold h
         where h.tenant_id = onyx.ctx_tenant() and onyx.ctx_purpose_in('admin', 'platform') returning 1
    )
    select exists (select from ended);
end;
grant execute on function onyx.legal_hold_begin(text, text), onyx.legal_hold_end() to onyx_app;

-- How many days the chats of the context's tenant are kept; null while nothing of it may be deleted. What deletes asks
-- this once more, whatever it was told (migrations/tenant/0031).
create function onyx.chat_retention() returns integer
language sql stable security definer begin atomic
    select (t.settings->>'retention_chat_days')::integer from onyx.tenant t
     where t.id = onyx.ctx_tenant() and not exists (select from onyx.legal_hold h where h.tenant_id = t.id);
end;

-- Whatever changes the rule, a restore and a move too, has the tenant looked at within a minute.
create function onyx.retention_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, onyx, pg_temp as $$
begin
    insert into onyx.due (tenant_id, job, due_at)
    select t.id, 'retention', clock_timestamp() from onyx.tenant t
     where t.id = (case when tg_table_name = 'tenant' then to_jsonb(new)->>'id'
                        else coalesce(to_jsonb(new), to_jsonb(old))->>'tenant_id' end)::uuid
    on conflict (job, tenant_id) do update set due_at = least(onyx.due.due_at, excluded.due_at);
    return null;
end $$;
create trigger retention_given after insert on onyx.tenant
    for each row when (new.settings ? 'retention_chat_days') execute function onyx.retention_changed();
create trigger retention_changed after update of settings on onyx.tenant
    for each row when (old.settings->'retention_chat_days' is distinct from new.settings->'retention_chat_days')
    execute function onyx.retention_changed();
create trigger retention_held after insert or delete on onyx.legal_hold
    for each row execute function onyx.retention_changed();
insert into onyx.due (tenant_id, job, due_at)
select id, 'retention', clock_timestamp() from onyx.tenant where settings ? 'retention_chat_days'
on conflict do nothing;

-- Months of access logs that lie in a file of their own now: written by the steward and the command line alone. A line
-- says `written` while its partition may still be there, and `dropped` when it is gone.
create table onyx.log_archive (
    id uuid constraint log_archive_pk primary key,
    tenant_id uuid not null constraint log_archive_tenant references onyx.tenant (id) on delete cascade,
    log_partition text not null,
    month date not null,
    entries bigint not null,
    size bigint not null,
    sha256 bytea not null,
    name text not null,
    manifest jsonb not null,
    state text not null default 'written' constraint log_archive_state check (state in ('written', 'dropped')),
    created_at timestamptz not null default clock_timestamp(),
    dropped_at timestamptz
);
create index log_archive_months on onyx.log_archive (tenant_id, month desc, id desc);
alter table onyx.log_archive enable row level security;
create policy log_archive_platform on onyx.log_archive for select using ((select onyx.ctx_purpose_in('platform')));
create policy log_archive_own on onyx.log_archive for select
    using (tenant_id = (select onyx.ctx_tenant()) and (select onyx.ctx_purpose_in('admin', 'auditor')));
grant select on onyx.log_archive to onyx_app;
