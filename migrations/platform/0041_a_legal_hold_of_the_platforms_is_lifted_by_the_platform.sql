-- A legal hold that the platform put on is not an organisation's to lift. And while there is any, a deletion is neither
-- asked for nor confirmed, whoever calls the functions.
alter table onyx.legal_hold add column by_platform boolean not null default false;

create or replace function onyx.legal_hold_begin(named text, why text) returns boolean
language sql security definer begin atomic
    with begun as (
        insert into onyx.legal_hold (tenant_id, set_by, set_as, reason, by_platform)
        select onyx.ctx_tenant(), nullif((onyx.ctx())[3], '')::uuid, left(named, 200), left(why, 500),
               onyx.ctx_purpose_in('platform')
         where onyx.ctx_purpose_in('admin', 'platform') and onyx.ctx_tenant() is not null
        on conflict do nothing returning 1
    )
    select exists (select from begun);
end;
create or replace function onyx.legal_hold_end() returns boolean
language sql security definer begin atomic
    with ended as (
        delete from onyx.legal_hold h
         where h.tenant_id = onyx.ctx_tenant()
           and (onyx.ctx_purpose_in('platform') or (onyx.ctx_purpose_in('admin') and not h.by_platform))
        returning 1
    )
    select exists (select from ended);
end;

create or replace function onyx.deletion_request(
    deletion uuid, tenant uuid, typed text, why text, asked_as text, wait integer)
returns boolean
language sql security definer begin atomic
    with made as (
        insert into onyx.deletion (id, tenant_id, slug, name, reason, requested_by, requested_as, confirm_from)
        select deletion, t.id, t.slug, t.name, left(why, 500), onyx.ctx_asker(), onyx.asker_named(asked_as),
               clock_timestamp() + greatest(wait, case when onyx.ctx_purpose_in('job:asking') then 0 else 604800 end)
                   * interval '1 second'
          from onyx.tenant t
         where t.id = tenant and t.slug = typed and t.slug <> 'platform' and t.status in ('suspended', 'archived')
           and onyx.ctx_purpose_in('platform', 'job:asking')
           and not exists (select from onyx.legal_hold h where h.tenant_id = t.id)
        returning 1)
    select exists (select from made);
end;

create or replace function onyx.deletion_confirm(deletion uuid, typed text, said_as text) returns boolean
language sql security definer begin atomic
    with closed as (
        update onyx.tenant t set status = 'deleting'
          from onyx.deletion d
         where d.id = deletion and d.state = 'requested' and d.slug = typed and d.confirm_from <= clock_timestamp()
           and t.id = d.tenant_id and t.status in ('suspended', 'archived') and onyx.ctx_purpose_in('platform', 'job:asking')
           and not exists (select from onyx.legal_hold h where h.tenant_id = t.id)
        returning t.id),
    sure as (
        update onyx.deletion d
           set state = 'confirmed', confirmed_at = clock_timestamp(), confirmed_as = onyx.asker_named(said_as),
               confirmed_by = onyx.ctx_asker()
          from closed where d.id = deletion and d.state = 'requested' and d.tenant_id = closed.id
        returning 1)
    select exists (select from sure);
end;
