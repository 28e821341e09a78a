-- What PostgreSQL's catalogue says of a tenant that the migrations have just made, for the isolation check (T9): each
-- table, column, policy, trigger, constraint, index, function, grant and role flag as one line, ids taken out.
create table onyx.catalogue_reference (
    version integer constraint catalogue_reference_pk primary key,
    scripts bytea not null,
    lines text[] not null,
    made_at timestamptz not null default clock_timestamp()
);
alter table onyx.catalogue_reference enable row level security;
create policy catalogue_reference_read on onyx.catalogue_reference for select
    using ((select onyx.ctx_purpose_in('job:isolation')));
grant select on onyx.catalogue_reference to onyx_app;

-- The newest result for each tenant; the signed report itself lies in the tenant's own schema.
create table onyx.isolation_status (
    tenant_id uuid constraint isolation_status_pk primary key
        constraint isolation_status_tenant references onyx.tenant (id) on delete cascade,
    report_id uuid not null,
    passed boolean not null,
    failed integer not null,
    checked_at timestamptz not null
);
create index isolation_status_failed on onyx.isolation_status (checked_at) where not passed;
alter table onyx.isolation_status enable row level security;
create policy isolation_status_read on onyx.isolation_status for select
    using ((select onyx.ctx_purpose_in('platform', 'job:isolation')));
grant select on onyx.isolation_status to onyx_app;

create function onyx.isolation_checked(report uuid, broken integer) returns void
language sql security definer begin atomic
    insert into onyx.isolation_status (tenant_id, report_id, passed, failed, checked_at)
    select onyx.ctx_tenant(), report, broken = 0, broken, clock_timestamp() where onyx.ctx_purpose_in('job:isolation')
    on conflict (tenant_id) do update set report_id = excluded.report_id, passed = excluded.passed,
        failed = excluded.failed, checked_at = excluded.checked_at;
end;
grant execute on function onyx.isolation_checked(uuid, integer) to onyx_app;

-- Whom the check attacks from the tenant of the context: the next tenant by id on the same node, the first after the
-- last; nobody, where a tenant has a node of its own.
create function onyx.isolation_neighbour() returns uuid
language sql stable security definer begin atomic
    select t.id from onyx.tenant own join onyx.tenant t on t.node = own.node and t.id <> own.id
     where own.id = onyx.ctx_tenant() and t.status not in ('provisioning', 'deleting')
       and onyx.ctx_purpose_in('job:isolation')
     order by t.id < own.id, t.id limit 1;
end;
-- The newest migration of the tenant of the context.
create function onyx.isolation_version() returns integer
language sql stable security definer begin atomic
    select max(m.version) from onyx.tenant_migration m
     where m.tenant_id = onyx.ctx_tenant() and m.state = 'applied' and onyx.ctx_purpose_in('job:isolation');
end;
grant execute on function onyx.isolation_neighbour(), onyx.isolation_version() to onyx_app;

-- Every tenant is checked: those that are there at once, new ones when they have settled, all of them every day again.
create function onyx.check_new_tenant() returns trigger
language plpgsql security definer set search_path = pg_catalog, onyx, pg_temp as $$
begin
    insert into onyx.due (tenant_id, job, due_at) values (new.id, 'isolation', clock_timestamp() + interval '10 minutes')
    on conflict do nothing;
    return null;
end $$;
create trigger check_new_tenant after insert on onyx.tenant for each row execute function onyx.check_new_tenant();
insert into onyx.due (tenant_id, job, due_at) select id, 'isolation', clock_timestamp() from onyx.tenant
on conflict do nothing;
