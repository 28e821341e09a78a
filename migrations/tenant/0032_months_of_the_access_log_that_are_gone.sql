-- How many lines of the access log lie before a moment, and since when: what a retention would archive. Counting stops
-- at a million.
create function access_before(edge timestamptz) returns table (entries bigint, oldest timestamptz)
language sql stable security definer begin atomic
    select (select count(*) from (select 1 from access_entry e where e.occurred_at < edge limit 1000000) as counted),
           (select min(e.occurred_at) from access_entry e where e.occurred_at < edge)
     where (select onyx.ctx_allows('@tenant@', 'admin', 'auditor', 'platform'));
end;
grant execute on function access_before(timestamptz) to tenant_@tenant@;

-- A line that waited on disk until its month was archived and dropped has no place any more and is let go: it would wait
-- for ever. A month that is still to be made is after the first one that is there, and its lines wait as before.
create or replace function access_append(entries jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare written integer;
begin
    if not onyx.ctx_allows('@tenant@', 'job:access_log') then
        raise exception 'no valid context for this log' using errcode = 'insufficient_privilege';
    end if;
    insert into tenant_@tenant@.access_entry (occurred_at, id, user_id, session_id, kind, method, route, object,
        status, duration_us, ip, user_agent, request_id)
    select e.occurred_at, e.id, e.user_id, e.session_id, e.kind, e.method, e.route, e.object,
        e.status, e.duration_us, e.ip, e.user_agent, e.request_id
    from jsonb_to_recordset(entries) as e(occurred_at timestamptz, id uuid, user_id uuid, session_id uuid, kind text,
        method text, route text, object text, status smallint, duration_us integer, ip text, user_agent text,
        request_id text)
    where to_char(e.occurred_at at time zone 'UTC', 'YYYYMM') >= (
        select coalesce(min(right(c.relname, 6)), '') from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'tenant_@tenant@.access_entry'::regclass)
    on conflict do nothing;
    get diagnostics written = row_count;
    return written;
end $$;
