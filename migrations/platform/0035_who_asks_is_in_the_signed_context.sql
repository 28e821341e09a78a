-- Who asks is the context's person: SQL that somebody brings into a request of purpose `platform` cannot name another
-- asker, nor shorten the time that a deletion waits. What the arguments say of both is believed under a purpose that no
-- request of a person has (`job:asking`). The code of before has only `platform`: in its hands a deletion waits a week, and
-- is asked for by an id instead of a name.

create function onyx.ctx_asker() returns uuid
language plpgsql stable parallel safe set search_path = pg_catalog, onyx, pg_temp as $$
begin
    return nullif((onyx.ctx())[3], '')::uuid;
end $$;
grant execute on function onyx.ctx_asker() to public;

-- A name as Onyx's own code gives it; for anybody else the id that the context vouches for.
create function onyx.asker_named(said text) returns text
language sql stable begin atomic
    select case when onyx.ctx_purpose_in('job:asking') then left(said, 254) else coalesce(onyx.ctx_asker()::text, '') end;
end;

drop policy request_place on onyx.steward_request;
create policy request_place on onyx.steward_request for insert with check (
    (select onyx.ctx_purpose_in('platform', 'job:asking')) and state = 'queued'
    and requested_by is not distinct from (select onyx.ctx_asker()));

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
        returning t.id),
    sure as (
        update onyx.deletion d
           set state = 'confirmed', confirmed_at = clock_timestamp(), confirmed_as = onyx.asker_named(said_as),
               confirmed_by = onyx.ctx_asker()
          from closed where d.id = deletion and d.state = 'requested' and d.tenant_id = closed.id
        returning 1)
    select exists (select from sure);
end;

create or replace function onyx.deletion_cancel(deletion uuid, said_as text) returns boolean
language sql security definer begin atomic
    with kept as (
        update onyx.deletion d
           set state = 'cancelled', cancelled_at = clock_timestamp(), cancelled_as = onyx.asker_named(said_as),
               cancelled_by = onyx.ctx_asker()
         where d.id = deletion and d.state = 'requested' and onyx.ctx_purpose_in('platform', 'job:asking')
        returning 1)
    select exists (select from kept);
end;
