-- Receipts of revocations outlive Redis: a notice is told (its change has committed), then settled (every process has
-- obeyed), or told again by a job (F33). Kind `sessions`: many login sessions of a tenant have ended at once.

alter table onyx.revocation
    add column told_at timestamptz,
    add column settled_at timestamptz,
    add column tries smallint not null default 0;
update onyx.revocation set told_at = created_at, settled_at = created_at;
alter table onyx.revocation drop constraint revocation_kind;
alter table onyx.revocation add constraint revocation_kind check (kind in ('session', 'sessions', 'tenant', 'user'));
create index revocation_told on onyx.revocation (told_at);
create index revocation_unsettled on onyx.revocation (created_at) where settled_at is null;

create policy revocation_settle on onyx.revocation for update using ((select onyx.ctx_purpose_in('job:control')));
grant update (told_at, settled_at, tries) on onyx.revocation to onyx_app;

-- The change that a notice forewarned of has committed. Whoever may announce it may say so.
create function onyx.told(notice uuid) returns void
language sql security definer begin atomic
    update onyx.revocation set told_at = clock_timestamp()
     where id = notice and told_at is null
       and (onyx.ctx_purpose_in('platform') or tenant_id = onyx.ctx_tenant());
end;
grant execute on function onyx.told(uuid) to onyx_app;

-- Where somebody may be signed in, over all tenants: written before a session's row commits and removed after it ended,
-- so that it holds every live session and perhaps a few that are none. It is where to look, never what to believe: the
-- platform's console shows only what the tenant's own row confirms. No name and no e-mail; the platform alone reads it.
create table onyx.live_session (
    tenant_id uuid not null constraint live_session_tenant references onyx.tenant (id) on delete cascade,
    id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    address inet,
    device text,
    constraint live_session_pk primary key (tenant_id, id)
);
create index live_session_newest on onyx.live_session (created_at, id);
create index live_session_of_tenant on onyx.live_session (tenant_id, created_at, id);
create index live_session_of on onyx.live_session (user_id, created_at, id);
create index live_session_from on onyx.live_session (address, created_at, id);
create index live_session_on on onyx.live_session (device, created_at, id);
create index live_session_by_id on onyx.live_session (id);
create index live_session_over on onyx.live_session (expires_at);
alter table onyx.live_session alter column user_id set statistics 0, alter column address set statistics 0,
    alter column device set statistics 0, alter column tenant_id set statistics 0;

alter table onyx.live_session enable row level security;
create policy live_session_read on onyx.live_session for select
    using ((select onyx.ctx_purpose_in('platform', 'job:control')));
create policy live_session_tidy on onyx.live_session for delete
    using ((select onyx.ctx_purpose_in('platform', 'job:control')));
grant select, delete on onyx.live_session to onyx_app;

-- What a proxy passed on as an address, if it is one.
create function onyx.address_of(text text) returns inet
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    return text::inet;
exception when others then
    return null;
end $$;
grant execute on function onyx.address_of(text) to public;

-- Tenant and person come from the signed context of purpose `auth`, which is the only one that opens sessions.
create function onyx.session_opens(session uuid, until timestamptz, ip text, device text) returns void
language sql security definer begin atomic
    insert into onyx.live_session (tenant_id, id, user_id, created_at, expires_at, address, device)
    select onyx.ctx_tenant(), session, nullif((onyx.ctx())[3], '')::uuid, clock_timestamp(), until,
           onyx.address_of(ip), left(device, 100)
     where onyx.ctx_purpose_in('auth') and nullif((onyx.ctx())[3], '') is not null
    on conflict do nothing;
end;
create function onyx.sessions_closed(sessions uuid[]) returns void
language sql security definer begin atomic
    delete from onyx.live_session
     where tenant_id = onyx.ctx_tenant() and id = any (sessions)
       and (not onyx.ctx_purpose_in('member') or user_id = nullif((onyx.ctx())[3], '')::uuid);
end;
grant execute on function onyx.session_opens(uuid, timestamptz, text, text), onyx.sessions_closed(uuid[]) to onyx_app;
