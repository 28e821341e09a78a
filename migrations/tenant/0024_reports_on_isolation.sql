-- Signed reports of the isolation check (T9): written by the check alone, read by auditors, never changed.
create table isolation_report (
    id uuid constraint isolation_report_pk primary key,
    checked_at timestamptz not null default now(),
    passed boolean not null,
    failed integer not null,
    document jsonb not null
);
create index isolation_report_newest on isolation_report (checked_at, id);
alter table isolation_report enable row level security;
create policy isolation_report_read on isolation_report for select
    using ((select onyx.ctx_allows('@tenant@', 'auditor', 'platform', 'job:isolation')));
create policy isolation_report_write on isolation_report for insert
    with check ((select onyx.ctx_allows('@tenant@', 'job:isolation')));
grant select, insert on isolation_report to tenant_@tenant@;
create trigger append_only before update or delete on isolation_report for each row execute function refuse_change();
create trigger never_truncated before truncate on isolation_report execute function refuse_change();
create constraint trigger recorded after insert on isolation_report
    deferrable initially deferred for each row execute function must_be_recorded();
