-- Schemas that the steward made ahead: each is whole, empty, and nobody's, until somebody creates an organisation and
-- takes it with its id. `versions` are the tenant migrations that made it, `scripts` their digest: one of another version
-- is never taken.
create table onyx.prepared_tenant (
    tenant_id uuid constraint prepared_tenant_pk primary key,
    versions integer[] not null,
    scripts bytea not null,
    prepared_at timestamptz not null default clock_timestamp()
);
alter table onyx.prepared_tenant enable row level security;
create policy prepared_tenant_read on onyx.prepared_tenant for select
    using ((select onyx.ctx_purpose_in('job:control')));
grant select on onyx.prepared_tenant to onyx_app;
