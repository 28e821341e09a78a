-- Sizes and counts of each organisation, for the platform's pages: measured by the steward, numbers alone, so that no
-- page has to visit every schema. A day's line counts events; what is in them is not read.
create table onyx.tenant_size (
    tenant_id uuid constraint tenant_size_pk primary key
        constraint tenant_size_tenant references onyx.tenant (id) on delete cascade,
    measured_at timestamptz not null default clock_timestamp(),
    database_bytes bigint not null,
    file_bytes bigint not null,
    files bigint not null,
    chats bigint not null,
    messages bigint not null,
    logs_from date
);
create table onyx.tenant_day (
    tenant_id uuid not null constraint tenant_day_tenant references onyx.tenant (id) on delete cascade,
    day date not null,
    events bigint not null,
    messages bigint not null,
    sign_ins bigint not null,
    constraint tenant_day_pk primary key (tenant_id, day)
);
alter table onyx.tenant_size enable row level security;
alter table onyx.tenant_day enable row level security;
create policy tenant_size_read on onyx.tenant_size for select using ((select onyx.ctx_purpose_in('platform')));
create policy tenant_day_read on onyx.tenant_day for select using ((select onyx.ctx_purpose_in('platform')));
grant select on onyx.tenant_size, onyx.tenant_day to onyx_app;
