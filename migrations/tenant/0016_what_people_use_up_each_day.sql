-- How much each person used up of what is counted by the day (UTC): messages in the transaction that stores them, calls
-- with API keys when the access log is drained. A day's sum is what a tenant's limit is held against when Redis does
-- not know. No foreign key: what was used stays used when somebody is deleted.
create table usage_day (
    user_id uuid not null,
    day date not null,
    metric text not null constraint usage_day_metric check (metric in ('api_calls', 'messages')),
    used bigint not null,
    constraint usage_day_pk primary key (user_id, day, metric)
) with (fillfactor = 50);

-- That a limit was reached, once a day for each, however many were refused.
create table quota_reached (
    quota text not null,
    day date not null default current_date,
    constraint quota_reached_pk primary key (quota, day)
);

-- What somebody used goes with them.
create function forget_usage() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from tenant_@tenant@.usage_day where user_id = old.id;
    return null;
end $$;
create trigger forget_usage after delete on app_user for each row execute function forget_usage();

alter table usage_day enable row level security;
alter table quota_reached enable row level security;

create policy usage_day_own on usage_day for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy usage_day_calls on usage_day for all using ((select onyx.ctx_allows('@tenant@', 'job:access_log')))
    with check ((select onyx.ctx_allows('@tenant@', 'job:access_log')) and metric = 'api_calls');
create policy usage_day_read on usage_day for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform')));
create policy quota_reached_read on quota_reached for select using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy quota_reached_once on quota_reached for insert with check ((select onyx.ctx_allows('@tenant@', 'auth')));

grant select, insert on usage_day to tenant_@tenant@;
grant update (used) on usage_day to tenant_@tenant@;
grant select, insert on quota_reached to tenant_@tenant@;

create constraint trigger recorded after insert on quota_reached
    deferrable initially deferred for each row execute function must_be_recorded();

-- How many people there may be, and how much they may store, is decided where the rows are written, whoever writes
-- them: before the row, under a lock that only tenants with a limit pay for, so that of many at once none comes too
-- much. The steward, who restores, has no context and is not held up. SQLSTATE ON002 names the quota, its detail the
-- limit.
create index user_file_sizes on user_file (user_id) include (size);

create function seats_taken() returns bigint
language sql stable security definer begin atomic
    select (select count(*) from app_user) + (select count(*) from invitation i where i.expires_at > now())
     where (select onyx.ctx_allows('@tenant@', 'admin', 'platform'));
end;
create function stored_bytes() returns bigint
language sql stable security definer begin atomic
    select coalesce(sum(f.size), 0)::bigint from user_file f
     where (select onyx.ctx_allows('@tenant@', 'admin', 'platform'));
end;
grant execute on function seats_taken(), stored_bytes() to tenant_@tenant@;

create function must_have_a_seat() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare most bigint;
begin
    select (t.settings->>'quota_users')::bigint into most from onyx.tenant t where t.id = '@tenant@'::uuid;
    if most is null or onyx.ctx_tenant() is null then
        return new;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tenant_@tenant@', 8));
    -- Whoever comes with an invitation takes the seat that it kept.
    if (select count(*) from tenant_@tenant@.app_user) + (select count(*) from tenant_@tenant@.invitation i
         where i.expires_at > now() and i.email_digest <> new.email_digest) >= most then
        raise exception 'users' using errcode = 'ON002', detail = most::text;
    end if;
    return new;
end $$;
create trigger must_have_a_seat before insert on app_user for each row execute function must_have_a_seat();
create trigger must_have_a_seat before insert on invitation for each row execute function must_have_a_seat();

create function must_have_room() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare most bigint;
begin
    select (t.settings->>'quota_storage_bytes')::bigint into most from onyx.tenant t where t.id = '@tenant@'::uuid;
    if most is null or onyx.ctx_tenant() is null then
        return new;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tenant_@tenant@', 9));
    if (select coalesce(sum(f.size), 0) from tenant_@tenant@.user_file f) + new.size > most then
        raise exception 'storage' using errcode = 'ON002', detail = most::text;
    end if;
    return new;
end $$;
create trigger must_have_room before insert on user_file for each row execute function must_have_room();
