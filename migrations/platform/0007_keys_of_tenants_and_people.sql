-- The keys with which tenants' secrets and people's files are sealed: wrapped, a person's key by its tenant's, a
-- tenant's by the master key. They lie here and not in the tenant's schema, so that a tenant's backup never brings back
-- the key of somebody who was erased. Nobody may be deleted with their keys by mistake: a tenant's row waits until its
-- keys are destroyed on purpose.

create table onyx.tenant_key (
    tenant_id uuid not null constraint tenant_key_tenant references onyx.tenant (id),
    version integer not null,
    wrapped bytea not null,
    master bytea not null constraint tenant_key_master references onyx.master_key (id),
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    constraint tenant_key_pk primary key (tenant_id, version)
);
create unique index tenant_key_one_current on onyx.tenant_key (tenant_id) where retired_at is null;
create index tenant_key_by_master on onyx.tenant_key (master, tenant_id, version);

create table onyx.user_key (
    tenant_id uuid not null,
    user_id uuid not null,
    version integer not null,
    wrapped bytea not null,
    tenant_version integer not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    constraint user_key_pk primary key (tenant_id, user_id, version),
    constraint user_key_tenant_key foreign key (tenant_id, tenant_version)
        references onyx.tenant_key (tenant_id, version) on delete cascade
);
create unique index user_key_one_current on onyx.user_key (tenant_id, user_id) where retired_at is null;
create index user_key_by_tenant_version on onyx.user_key (tenant_id, tenant_version, user_id, version);

-- Who was erased: begun before their rows go, finished when their key is gone too. Outlives the tenant.
create table onyx.erasure (
    tenant_id uuid not null,
    user_id uuid not null,
    begun_at timestamptz not null default clock_timestamp(),
    erased_at timestamptz,
    certificate jsonb,
    constraint erasure_pk primary key (tenant_id, user_id)
);

alter table onyx.tenant_key enable row level security;
alter table onyx.user_key enable row level security;
alter table onyx.erasure enable row level security;
create policy erasure_read on onyx.erasure for select using (
    tenant_id = (select onyx.ctx_tenant()) and (select onyx.ctx_purpose_in('admin', 'auditor', 'job:erasure')));
grant select on onyx.erasure to onyx_app;

-- All functions take tenant and person from the signed context; no request has the purposes that they ask for.
create function onyx.wrapped_keys()
returns table (kind text, version integer, wrapped bytea, master bytea, tenant_version integer, retired boolean)
language sql stable security definer begin atomic
    select 'master', 0, null::bytea, m.id, null::integer, false
      from onyx.master_key m where m.retired_at is null and onyx.ctx_purpose_in('job:keyring')
    union all
    select 'tenant', k.version, k.wrapped, k.master, null, k.retired_at is not null
      from onyx.tenant_key k where k.tenant_id = onyx.ctx_tenant() and onyx.ctx_purpose_in('job:keyring')
    union all
    select 'user', k.version, k.wrapped, null, k.tenant_version, k.retired_at is not null
      from onyx.user_key k
     where k.tenant_id = onyx.ctx_tenant() and k.user_id = nullif((onyx.ctx())[3], '')::uuid
       and onyx.ctx_purpose_in('job:keyring');
end;
create function onyx.tenant_key_add(wrapped bytea, master bytea) returns void
language sql security definer begin atomic
    insert into onyx.tenant_key (tenant_id, version, wrapped, master)
    select onyx.ctx_tenant(), 1, wrapped, master
     where onyx.ctx_purpose_in('job:keyring')
       and not exists (select 1 from onyx.tenant_key k where k.tenant_id = onyx.ctx_tenant())
    on conflict do nothing;
end;
create function onyx.user_key_add(wrapped bytea, tenant_version integer) returns void
language sql security definer begin atomic
    insert into onyx.user_key (tenant_id, user_id, version, wrapped, tenant_version)
    select onyx.ctx_tenant(), nullif((onyx.ctx())[3], '')::uuid, 1, wrapped, tenant_version
     where onyx.ctx_purpose_in('job:keyring')
       and not exists (select 1 from onyx.user_key k
                        where k.tenant_id = onyx.ctx_tenant() and k.user_id = nullif((onyx.ctx())[3], '')::uuid)
       and not exists (select 1 from onyx.erasure e
                        where e.tenant_id = onyx.ctx_tenant() and e.user_id = nullif((onyx.ctx())[3], '')::uuid)
    on conflict do nothing;
end;

create function onyx.erasure_begin() returns void
language sql security definer begin atomic
    insert into onyx.erasure (tenant_id, user_id)
    select onyx.ctx_tenant(), (onyx.ctx())[3]::uuid where onyx.ctx_purpose_in('job:erasure')
    on conflict (tenant_id, user_id) do nothing;
end;
create function onyx.erasure_take_back() returns void
language sql security definer begin atomic
    delete from onyx.erasure
     where tenant_id = onyx.ctx_tenant() and user_id = (onyx.ctx())[3]::uuid and erased_at is null
       and onyx.ctx_purpose_in('job:erasure');
end;
create function onyx.erasure_finish(at timestamptz, certificate jsonb) returns boolean
language sql security definer begin atomic
    delete from onyx.user_key
     where tenant_id = onyx.ctx_tenant() and user_id = (onyx.ctx())[3]::uuid and onyx.ctx_purpose_in('job:erasure');
    update onyx.erasure set erased_at = at, certificate = erasure_finish.certificate
     where tenant_id = onyx.ctx_tenant() and user_id = (onyx.ctx())[3]::uuid and erased_at is null
       and onyx.ctx_purpose_in('job:erasure')
    returning true;
end;
grant execute on function onyx.wrapped_keys(), onyx.tenant_key_add(bytea, bytea), onyx.user_key_add(bytea, integer),
    onyx.erasure_begin(), onyx.erasure_take_back(), onyx.erasure_finish(timestamptz, jsonb) to onyx_app;
