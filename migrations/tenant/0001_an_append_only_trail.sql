-- One tenant's schema, its role, and its trail. Runs as onyx_owner, which owns everything here; the tenant's role
-- owns nothing. @tenant@ is the tenant's id in hex. Policies are TO PUBLIC: DROP OWNED BY a role removes its own.

create role tenant_@tenant@ nologin;
grant tenant_@tenant@ to onyx_app;
create schema tenant_@tenant@;
grant usage on schema tenant_@tenant@ to tenant_@tenant@;
set local search_path = tenant_@tenant@, public;

create table audit_event (
    recorded_at timestamptz not null default now(),
    event_id uuid not null,
    tx xid8 not null default pg_current_xact_id(),
    occurred_at timestamptz not null,
    action text not null,
    schema_version smallint not null default 1,
    actor_id uuid,
    actor jsonb not null,
    on_behalf_of jsonb,
    session_id uuid,
    purpose text not null,
    request jsonb not null,
    targets jsonb not null,
    outcome text not null,
    reason text,
    changes jsonb not null,
    details jsonb not null,
    constraint audit_event_pk primary key (recorded_at, event_id),
    constraint audit_event_outcome check (outcome in ('success', 'failure', 'denied', 'error'))
) partition by range (recorded_at);
create index audit_event_by_actor on audit_event (actor_id, recorded_at, event_id);
create index audit_event_by_action on audit_event (action, recorded_at, event_id);
create index audit_event_not_done on audit_event (outcome, recorded_at, event_id) where outcome <> 'success';

create table access_entry (
    occurred_at timestamptz not null,
    id uuid not null,
    user_id uuid,
    session_id uuid,
    kind text not null,
    method text not null,
    route text not null,
    object text,
    status smallint not null,
    duration_us integer not null,
    ip text,
    user_agent text,
    request_id text,
    constraint access_entry_pk primary key (occurred_at, id)
) partition by range (occurred_at);
create index access_entry_by_user on access_entry (user_id, occurred_at, id);

-- Nobody, the owner included, changes or removes a line by statement: retention drops whole partitions.
create function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'the trail is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete on audit_event for each row execute function refuse_change();
create trigger never_truncated before truncate on audit_event execute function refuse_change();
create trigger append_only before update or delete on access_entry for each row execute function refuse_change();
create trigger never_truncated before truncate on access_entry execute function refuse_change();

alter table audit_event enable row level security;
alter table access_entry enable row level security;
create policy audit_event_auditor on audit_event for select using ((select onyx.ctx_allows('@tenant@', 'auditor')));
create policy audit_event_own on audit_event for select using (actor_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy access_entry_auditor on access_entry for select using ((select onyx.ctx_allows('@tenant@', 'auditor')));
-- The gate: without this tenant's context no partition is scanned at all (a one-time filter), so that EXPLAIN ANALYZE
-- cannot count another tenant's lines.
create policy audit_event_gate on audit_event as restrictive for select
    using ((select onyx.ctx_tenant()) = '@tenant@'::uuid);
create policy access_entry_gate on access_entry as restrictive for select
    using ((select onyx.ctx_tenant()) = '@tenant@'::uuid);
grant select on audit_event, access_entry to tenant_@tenant@;

-- The only way to write an event. Tenant, actor, session and purpose come from the signed context; a context that
-- does not hold raises, so that the change it should explain cannot commit.
create function audit_append(event jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare
    part constant text[] := onyx.ctx();
    person jsonb;
begin
    if part is null or part[2] <> '@tenant@' then
        raise exception 'no valid context for this trail' using errcode = 'insufficient_privilege';
    end if;
    -- Whoever is signed in here is named by their own row, not by what the statement says.
    select jsonb_build_object('display', u.email, 'name', p.display_name) into person
      from tenant_@tenant@.app_user u join tenant_@tenant@.profile p on p.user_id = u.id
     where u.id = nullif(part[3], '')::uuid and part[4] in ('member', 'admin', 'auditor');
    insert into tenant_@tenant@.audit_event (event_id, occurred_at, action, schema_version, actor_id, actor,
        on_behalf_of, session_id, purpose, request, targets, outcome, reason, changes, details)
    select (e->>'event_id')::uuid, (e->>'occurred_at')::timestamptz, e->>'action', (e->>'schema_version')::smallint,
        nullif(part[3], '')::uuid,
        coalesce(e->'actor', '{}') || coalesce(person, '{}'),
        nullif(e->'on_behalf_of', 'null'::jsonb),
        nullif(part[7], '')::uuid, part[4], coalesce(e->'request', '{}'), coalesce(e->'targets', '[]'),
        e->>'outcome', e->>'reason', coalesce(e->'changes', '[]'), coalesce(e->'details', '{}')
    from jsonb_array_elements(event) e;
end $$;

-- Lines of the access log, in batches, idempotent by (occurred_at, id): a spool may be read twice after a crash.
create function access_append(entries jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare written integer;
begin
    if not onyx.ctx_allows('@tenant@', 'job:access_log') then
        raise exception 'no valid context for this log' using errcode = 'insufficient_privilege';
    end if;
    insert into tenant_@tenant@.access_entry (occurred_at, id, user_id, session_id, kind, method, route, object,
        status, duration_us, ip, user_agent, request_id)
    select e.occurred_at, e.id, e.user_id, e.session_id, e.kind, e.method, e.route, e.object,
        e.status, e.duration_us, e.ip, e.user_agent, e.request_id
    from jsonb_to_recordset(entries) as e(occurred_at timestamptz, id uuid, user_id uuid, session_id uuid, kind text,
        method text, route text, object text, status smallint, duration_us integer, ip text, user_agent text,
        request_id text)
    on conflict do nothing;
    get diagnostics written = row_count;
    return written;
end $$;

-- No unexplained change commits: a deferred trigger on every audited table asks at COMMIT for an event of the same
-- transaction. Rolling back to a savepoint takes the event away, and with it the right to commit.
create function must_be_recorded() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
begin
    if not exists (select 1 from tenant_@tenant@.audit_event
                    where recorded_at = now() and tx = pg_current_xact_id()) then
        raise exception 'a change to % recorded no event', tg_table_name using errcode = 'ON001';
    end if;
    return null;
end $$;

grant execute on function audit_append(jsonb), access_append(jsonb) to tenant_@tenant@;
