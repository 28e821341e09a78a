-- Rotation: which master keys are still needed, a tenant's key made under the current master key alone, and until when
-- a rotation of a tenant's keys is under way (settled_at is null and the version above 1).

alter table onyx.tenant_key add column settled_at timestamptz;

create function onyx.masters_needed() returns table (id bytea, current boolean)
language sql stable security definer begin atomic
    select m.id, m.retired_at is null from onyx.master_key m
     where onyx.ctx_tenant() is not null
       and (m.retired_at is null
            or exists (select 1 from onyx.tenant_key k where k.master = m.id)
            or exists (select 1 from onyx.signing_key s where s.master = m.id));
end;
create or replace function onyx.tenant_key_add(wrapped bytea, master bytea) returns void
language sql security definer begin atomic
    insert into onyx.tenant_key (tenant_id, version, wrapped, master)
    select onyx.ctx_tenant(), 1, wrapped, m.id from onyx.master_key m
     where m.id = tenant_key_add.master and m.retired_at is null and onyx.ctx_purpose_in('job:keyring')
       and not exists (select 1 from onyx.tenant_key k where k.tenant_id = onyx.ctx_tenant())
    on conflict do nothing;
end;
grant execute on function onyx.masters_needed() to onyx_app;

-- What older versions left unsealed, or sealed under a key made of ONYX_SECRET_KEY, is sealed by the job.
insert into onyx.due (tenant_id, job, due_at) select id, 'seals', now() from onyx.tenant on conflict do nothing;
