-- Which backups there are of which tenant. Rows are written by the steward and the command line alone, as the owner;
-- they outlive their tenant, so that what lies on disk is never without a line here.
create table onyx.backup (
    id uuid constraint backup_pk primary key,
    tenant_id uuid not null,
    slug text not null,
    name text not null,
    kind text not null constraint backup_kind check (kind in ('asked', 'nightly', 'before_restore')),
    state text not null default 'running' constraint backup_state check (state in ('running', 'done', 'failed')),
    size bigint,
    sha256 bytea,
    manifest jsonb,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    drill_at timestamptz,
    drill_ok boolean,
    drill_says text
);
create index backup_newest on onyx.backup (tenant_id, created_at desc);
alter table onyx.backup enable row level security;
create policy backup_read on onyx.backup for select
    using ((select onyx.ctx_purpose_in('platform', 'job:control')));
grant select on onyx.backup to onyx_app;

-- How far a request is, for whoever waits for it; a request that says nothing for ten minutes is taken up again.
alter table onyx.steward_request add column progress jsonb, add column told_at timestamptz;
