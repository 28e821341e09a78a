-- What somebody asked for comes before what the schedule brings: `due` is read from the oldest on, and nothing is older
-- than this.
create function onyx.mark_asked(job_name text) returns void
language sql security definer begin atomic
    insert into onyx.due (tenant_id, job, due_at)
    select onyx.ctx_tenant(), job_name, to_timestamp(0)
     where onyx.ctx_tenant() is not null and job_name ~ '^[a-z][a-z_]{1,39}$'
       and (select count(*) < 64 or bool_or(d.job = job_name) from onyx.due d where d.tenant_id = onyx.ctx_tenant())
    on conflict (job, tenant_id) do update set due_at = excluded.due_at;
end;
grant execute on function onyx.mark_asked(text) to onyx_app;

-- The steward looks for what is open twice a second; what is done is kept for a while, and must not be read for it.
create index steward_request_open on onyx.steward_request (created_at) where state in ('queued', 'running');
create index steward_request_newest on onyx.steward_request (operation, created_at desc);
