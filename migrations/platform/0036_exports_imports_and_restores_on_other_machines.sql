-- Exports that are made for a page, and archives that came in by it. The files lie in the data folder and go after some
-- hours; the lines stay. Written by the steward and the command line, as the owner; a page asks the steward, and puts
-- its own line here only for what it received, under a purpose that no request of a person has.
create table onyx.parcel (
    id uuid constraint parcel_pk primary key,
    direction text not null constraint parcel_direction check (direction in ('export', 'import')),
    tenant_id uuid,
    slug text not null,
    state text not null constraint parcel_state check (state in ('running', 'ready', 'done', 'failed', 'gone')),
    size bigint,
    sha256 bytea,
    error text,
    created_by uuid,
    created_as text not null default '',
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null
);
create index parcel_newest on onyx.parcel (created_at desc);
alter table onyx.parcel enable row level security;
create policy parcel_read on onyx.parcel for select using ((select onyx.ctx_purpose_in('platform', 'job:asking')));
create policy parcel_receive on onyx.parcel for insert with check (
    (select onyx.ctx_purpose_in('job:asking')) and direction = 'import' and state = 'ready'
    and created_by is not distinct from (select onyx.ctx_asker()));
grant select, insert on onyx.parcel to onyx_app;

-- A restore of a tenant that lies on another machine than `main` commits there and then here. Its line is written here
-- before anything is made there, and there together with the rows: whoever finds the first finishes or undoes it.
create table onyx.restore_run (
    tenant_id uuid constraint restore_run_pk primary key,
    id uuid not null,
    slug text not null,
    node text not null,
    in_place boolean not null,
    request_id uuid,
    told jsonb not null,
    begun_at timestamptz not null default clock_timestamp()
);
alter table onyx.restore_run enable row level security;
