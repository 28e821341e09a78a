-- The steward looks for requests every half second; this calls it at once. It listens on `main`, where this table is
-- written, and goes on looking by itself: behind a transaction pooler nobody hears a call.
create function onyx.steward_called() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    notify onyx_steward;
    return null;
end $$;
create trigger called after insert on onyx.steward_request
    for each statement execute function onyx.steward_called();

-- Migrations that code from before them cannot work with. The runner writes a line before it applies the first of them;
-- such code reads it at its start and does not serve (docs/operations/upgrade.md).
create table onyx.newer_code_needed (
    kind text not null constraint newer_code_kind check (kind in ('platform', 'tenant')),
    version integer not null,
    name text not null,
    why text not null,
    noted_at timestamptz not null default clock_timestamp(),
    constraint newer_code_needed_pk primary key (kind, version)
);
alter table onyx.newer_code_needed enable row level security;
create policy newer_code_read on onyx.newer_code_needed for select
    using ((select onyx.ctx_purpose_in('job:control', 'platform')));
grant select on onyx.newer_code_needed to onyx_app;

-- Which scripts the control plane has, for those who start and those who look.
create policy platform_migration_read on onyx.platform_migration for select
    using ((select onyx.ctx_purpose_in('job:control', 'platform')));
grant select on onyx.platform_migration to onyx_app;
