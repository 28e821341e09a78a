-- The control plane: which tenants exist, where a log-in belongs, and the one place that believes a context.
-- Runs as onyx_owner. Nothing here may be read by onyx_app without a context, find_tenant() and slugs aside.

create schema onyx;
revoke all on schema onyx from public;
grant usage on schema onyx to public;
alter default privileges revoke execute on functions from public;

create table onyx.context_key (
    id smallint constraint context_key_pk primary key,
    ipad bytea not null,
    opad bytea not null
);

create table onyx.tenant (
    id uuid constraint tenant_pk primary key,
    slug text not null constraint tenant_slug_unique unique,
    name text not null,
    status text not null default 'provisioning'
        constraint tenant_status check (status in ('provisioning', 'active', 'suspended', 'archived')),
    node text not null default 'main',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    suspended_at timestamptz,
    constraint tenant_slug_form check (slug ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$')
);

create table onyx.directory (
    email_digest bytea not null,
    tenant_id uuid not null constraint directory_tenant references onyx.tenant (id) on delete cascade,
    constraint directory_pk primary key (email_digest, tenant_id)
);

create table onyx.revocation (
    id uuid constraint revocation_pk primary key,
    tenant_id uuid not null,
    kind text not null constraint revocation_kind check (kind in ('session', 'user', 'tenant')),
    subject_id uuid not null,
    reason text not null,
    created_at timestamptz not null default clock_timestamp()
);
create index revocation_recent on onyx.revocation (created_at);

create table onyx.cache_generation (
    id smallint constraint cache_generation_pk primary key,
    generation bigint not null,
    redis_run_id text not null
);
insert into onyx.cache_generation values (1, 1, '');

create table onyx.tenant_migration (
    tenant_id uuid not null constraint tenant_migration_tenant references onyx.tenant (id) on delete cascade,
    version integer not null,
    name text not null,
    state text not null constraint tenant_migration_state check (state in ('applied', 'failed')),
    error text,
    finished_at timestamptz not null default clock_timestamp(),
    constraint tenant_migration_pk primary key (tenant_id, version)
);

create table onyx.steward_request (
    id uuid constraint steward_request_pk primary key,
    operation text not null,
    arguments jsonb not null,
    state text not null default 'queued'
        constraint steward_request_state check (state in ('queued', 'running', 'done', 'failed')),
    requested_by uuid,
    result jsonb,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);

create table onyx.due (
    tenant_id uuid not null constraint due_tenant references onyx.tenant (id) on delete cascade,
    job text not null,
    due_at timestamptz not null,
    constraint due_pk primary key (job, tenant_id)
);

-- ctx(): the only judge of a context. It returns the parts of onyx.context when the signature, the expiry
-- and the backend fit, and null otherwise. HMAC-SHA-256 (RFC 2104) from two padded keys and core's sha256().
-- search_path ends in pg_temp, so that no temporary table, type or function can stand in for a real one.
create function onyx.ctx() returns text[]
language plpgsql stable security definer parallel safe
set search_path = pg_catalog, onyx, pg_temp as $$
declare
    signed constant text := current_setting('onyx.context', true);
    body constant text := left(signed, -65);
    part constant text[] := string_to_array(body, '|');
    mac text;
begin
    if signed is null or length(signed) < 100 then
        return null;
    end if;
    select encode(sha256(k.opad || sha256(k.ipad || convert_to(body, 'UTF8'))), 'hex') into mac
      from onyx.context_key k where k.id = 1;
    if mac is distinct from right(signed, 64) then
        return null;
    end if;
    if part[5]::double precision < extract(epoch from clock_timestamp()) then
        return null;
    end if;
    if part[6] <> '-' and part[6]::integer <> pg_backend_pid() then
        return null;
    end if;
    return part;
end $$;

-- The user of a valid context for this tenant and this purpose, else null: `user_id = (select onyx.ctx_user(…))`.
create function onyx.ctx_user(tenant text, purpose text) returns uuid
language plpgsql stable parallel safe set search_path = pg_catalog, onyx, pg_temp as $$
declare part constant text[] := onyx.ctx();
begin
    if part[2] = tenant and part[4] = purpose then
        return nullif(part[3], '')::uuid;
    end if;
    return null;
end $$;

-- Whether a valid context for this tenant has one of the purposes.
create function onyx.ctx_allows(tenant text, variadic purposes text[]) returns boolean
language plpgsql stable parallel safe set search_path = pg_catalog, onyx, pg_temp as $$
declare part constant text[] := onyx.ctx();
begin
    return coalesce(part[2] = tenant and part[4] = any (purposes), false);
end $$;

-- The tenant of a valid context of whatever purpose.
create function onyx.ctx_tenant() returns uuid
language plpgsql stable parallel safe set search_path = pg_catalog, onyx, pg_temp as $$
begin
    return (onyx.ctx())[2]::uuid;
end $$;

-- Whether a valid context has one of the purposes, whatever its tenant: for the control plane's own tables.
create function onyx.ctx_purpose_in(variadic purposes text[]) returns boolean
language plpgsql stable parallel safe set search_path = pg_catalog, onyx, pg_temp as $$
begin
    return coalesce((onyx.ctx())[4] = any (purposes), false);
end $$;

grant execute on function onyx.ctx(), onyx.ctx_user(text, text), onyx.ctx_allows(text, text[]), onyx.ctx_tenant(),
    onyx.ctx_purpose_in(text[]) to public;

alter table onyx.context_key enable row level security;
alter table onyx.directory enable row level security;
alter table onyx.tenant enable row level security;
alter table onyx.revocation enable row level security;
alter table onyx.cache_generation enable row level security;
alter table onyx.tenant_migration enable row level security;
alter table onyx.steward_request enable row level security;
alter table onyx.due enable row level security;

create policy tenant_own on onyx.tenant for select
    using (id = (select onyx.ctx_tenant()) or (select onyx.ctx_purpose_in('platform', 'job:control')));
create policy tenant_platform_update on onyx.tenant for update
    using ((select onyx.ctx_purpose_in('platform')));
grant select on onyx.tenant to onyx_app;
grant update (name, status, settings, suspended_at) on onyx.tenant to onyx_app;

create policy revocation_read on onyx.revocation for select using ((select onyx.ctx_purpose_in('job:control')));
create policy revocation_prune on onyx.revocation for delete using ((select onyx.ctx_purpose_in('job:control')));
grant select, delete on onyx.revocation to onyx_app;

create policy generation_read on onyx.cache_generation for select using ((select onyx.ctx_purpose_in('job:control')));
create policy generation_bump on onyx.cache_generation for update using ((select onyx.ctx_purpose_in('job:control')));
grant select, update on onyx.cache_generation to onyx_app;

create policy ledger_read on onyx.tenant_migration for select
    using ((select onyx.ctx_purpose_in('platform', 'job:control')));
grant select on onyx.tenant_migration to onyx_app;

create policy request_platform on onyx.steward_request for select using ((select onyx.ctx_purpose_in('platform')));
create policy request_place on onyx.steward_request for insert
    with check ((select onyx.ctx_purpose_in('platform')) and state = 'queued');
grant select on onyx.steward_request to onyx_app;
grant insert (id, operation, arguments, requested_by) on onyx.steward_request to onyx_app;

create policy due_sweep on onyx.due for all
    using ((select onyx.ctx_purpose_in('job:control'))) with check ((select onyx.ctx_purpose_in('job:control')));
grant select, update, delete on onyx.due to onyx_app;

-- Before anyone is known: which tenants know this e-mail's keyed digest, and what lies behind a slug.
create function onyx.find_tenant(digest bytea)
returns table (id uuid, slug text, name text, status text)
language sql stable security definer begin atomic
    select t.id, t.slug, t.name, t.status
      from onyx.directory d join onyx.tenant t on t.id = d.tenant_id
     where d.email_digest = digest;
end;

create function onyx.platform_id() returns uuid
language sql stable security definer begin atomic
    select t.id from onyx.tenant t where t.slug = 'platform';
end;

-- The three writes that a tenant's own request may make here; each takes its tenant from the signed context.
create function onyx.directory_add(digest bytea) returns void
language sql security definer begin atomic
    insert into onyx.directory (email_digest, tenant_id)
    select digest, onyx.ctx_tenant() where onyx.ctx_purpose_in('admin', 'platform', 'job:provision')
    on conflict do nothing;
end;
create function onyx.directory_remove(digest bytea) returns void
language sql security definer begin atomic
    delete from onyx.directory
     where email_digest = digest and tenant_id = onyx.ctx_tenant() and onyx.ctx_purpose_in('admin', 'platform');
end;
create function onyx.announce(id uuid, kind text, subject uuid, reason text, of_tenant uuid) returns void
language sql security definer begin atomic
    insert into onyx.revocation (id, tenant_id, kind, subject_id, reason)
    select id, of_tenant, kind, subject, left(reason, 200)
     where onyx.ctx_purpose_in('platform')
        or (of_tenant = onyx.ctx_tenant()
            and (kind = 'session' or subject = nullif((onyx.ctx())[3], '')::uuid
                 or not onyx.ctx_purpose_in('member')));
end;
create function onyx.mark_due(job_name text, at timestamptz) returns void
language sql security definer begin atomic
    insert into onyx.due (tenant_id, job, due_at)
    select onyx.ctx_tenant(), job_name, greatest(at, clock_timestamp())
     where onyx.ctx_tenant() is not null and job_name ~ '^[a-z][a-z_]{1,39}$'
       and (select count(*) < 64 or bool_or(d.job = job_name) from onyx.due d where d.tenant_id = onyx.ctx_tenant())
    on conflict (job, tenant_id) do update set due_at = least(onyx.due.due_at, excluded.due_at);
end;
grant execute on function onyx.find_tenant(bytea), onyx.platform_id(), onyx.directory_add(bytea), onyx.directory_remove(bytea),
    onyx.announce(uuid, text, uuid, text, uuid), onyx.mark_due(text, timestamptz) to onyx_app;

create table onyx.platform_migration (
    version integer constraint platform_migration_pk primary key,
    name text not null,
    applied_at timestamptz not null default clock_timestamp()
);
alter table onyx.platform_migration enable row level security;
