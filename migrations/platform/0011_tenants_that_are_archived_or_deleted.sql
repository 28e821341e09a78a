-- An organisation may be archived (closed and left alone, its data kept), and deleted in two steps. What remains of a
-- deleted one is its line in onyx.deletion with the certificate. Names that look alike are one name.

alter table onyx.tenant drop constraint tenant_status;
alter table onyx.tenant add constraint tenant_status
    check (status in ('provisioning', 'active', 'suspended', 'archived', 'deleting'));
alter table onyx.tenant add column archived_at timestamptz, add column skeleton text;
grant update (archived_at) on onyx.tenant to onyx_app;

-- What is left of a short name when all that the eye takes for the same is made the same: hyphens gone, 0 for o, 1 for
-- l, `rn` for m, `vv` for w, `cl` for d (Unicode Technical Standard #39, as far as small letters and digits go).
create function onyx.slug_skeleton(slug text) returns text
language sql immutable parallel safe begin atomic
    select replace(replace(replace(translate(slug, '01-', 'ol'), 'rn', 'm'), 'vv', 'w'), 'cl', 'd');
end;

-- Names that stood before this rule may look alike; of those the oldest has the skeleton.
update onyx.tenant t set skeleton = s.skeleton
  from (select o.id, onyx.slug_skeleton(o.slug) as skeleton,
               row_number() over (partition by onyx.slug_skeleton(o.slug) order by o.created_at, o.id) as place
          from onyx.tenant o) s
 where s.id = t.id and s.place = 1;
create unique index tenant_looks_alike on onyx.tenant (skeleton);

-- Whoever writes: the platform's own tenant stays open, and what is being deleted never comes back.
create function onyx.keep_tenant_rules() returns trigger
language plpgsql set search_path = pg_catalog, onyx, pg_temp as $$
begin
    if tg_op = 'INSERT' or new.slug <> old.slug then
        new.skeleton := onyx.slug_skeleton(new.slug);
    end if;
    if tg_op = 'UPDATE' and old.status = 'deleting' and new.status <> 'deleting' then
        raise exception 'what is being deleted does not come back' using errcode = 'check_violation';
    end if;
    if new.slug = 'platform' and new.status in ('suspended', 'archived', 'deleting') then
        raise exception 'the platform itself stays open' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger keeps_rules before insert or update on onyx.tenant
    for each row execute function onyx.keep_tenant_rules();

-- What platform admins write down about an organisation; its own people do not see it.
create table onyx.tenant_note (
    tenant_id uuid constraint tenant_note_pk primary key
        constraint tenant_note_tenant references onyx.tenant (id) on delete cascade,
    body text not null,
    changed_at timestamptz not null default clock_timestamp()
);
alter table onyx.tenant_note enable row level security;
create policy tenant_note_read on onyx.tenant_note for select using ((select onyx.ctx_purpose_in('platform')));
create policy tenant_note_write on onyx.tenant_note for insert
    with check ((select onyx.ctx_purpose_in('platform')));
create policy tenant_note_change on onyx.tenant_note for update using ((select onyx.ctx_purpose_in('platform')));
grant select, insert on onyx.tenant_note to onyx_app;
grant update (body, changed_at) on onyx.tenant_note to onyx_app;

-- A deletion: asked for, then confirmed, then carried out by the steward. Rows outlive their tenant. Requests reach it
-- through three functions alone, which take who acts from the signed context; the steward writes the rest as owner.
create table onyx.deletion (
    id uuid constraint deletion_pk primary key,
    tenant_id uuid not null,
    slug text not null,
    name text not null,
    state text not null default 'requested'
        constraint deletion_state check (state in ('requested', 'confirmed', 'done', 'cancelled')),
    reason text not null,
    requested_at timestamptz not null default clock_timestamp(),
    requested_by uuid,
    requested_as text not null,
    confirm_from timestamptz not null,
    confirmed_at timestamptz,
    confirmed_by uuid,
    confirmed_as text,
    cancelled_at timestamptz,
    cancelled_by uuid,
    cancelled_as text,
    step text,
    counted jsonb,
    finished_at timestamptz,
    certificate jsonb
);
create unique index deletion_one_open on onyx.deletion (tenant_id) where state in ('requested', 'confirmed');
create index deletion_of on onyx.deletion (slug, requested_at desc);
alter table onyx.deletion enable row level security;
create policy deletion_read on onyx.deletion for select using ((select onyx.ctx_purpose_in('platform')));
grant select on onyx.deletion to onyx_app;

-- Only a closed organisation, by its short name typed in full, and never the platform itself.
create function onyx.deletion_request(deletion uuid, tenant uuid, typed text, why text, asked_as text, wait integer)
returns boolean
language sql security definer begin atomic
    with made as (
        insert into onyx.deletion (id, tenant_id, slug, name, reason, requested_by, requested_as, confirm_from)
        select deletion, t.id, t.slug, t.name, left(why, 500), nullif((onyx.ctx())[3], '')::uuid, left(asked_as, 254),
               clock_timestamp() + greatest(wait, 0) * interval '1 second'
          from onyx.tenant t
         where t.id = tenant and t.slug = typed and t.slug <> 'platform' and t.status in ('suspended', 'archived')
           and onyx.ctx_purpose_in('platform')
        returning 1)
    select exists (select from made);
end;

-- From here there is no way back: the steward destroys keys and data.
create function onyx.deletion_confirm(deletion uuid, typed text, said_as text) returns boolean
language sql security definer begin atomic
    with closed as (
        update onyx.tenant t set status = 'deleting'
          from onyx.deletion d
         where d.id = deletion and d.state = 'requested' and d.slug = typed and d.confirm_from <= clock_timestamp()
           and t.id = d.tenant_id and t.status in ('suspended', 'archived') and onyx.ctx_purpose_in('platform')
        returning t.id),
    sure as (
        update onyx.deletion d
           set state = 'confirmed', confirmed_at = clock_timestamp(), confirmed_as = left(said_as, 254),
               confirmed_by = nullif((onyx.ctx())[3], '')::uuid
          from closed where d.id = deletion and d.state = 'requested' and d.tenant_id = closed.id
        returning 1)
    select exists (select from sure);
end;

create function onyx.deletion_cancel(deletion uuid, said_as text) returns boolean
language sql security definer begin atomic
    with kept as (
        update onyx.deletion d
           set state = 'cancelled', cancelled_at = clock_timestamp(), cancelled_as = left(said_as, 254),
               cancelled_by = nullif((onyx.ctx())[3], '')::uuid
         where d.id = deletion and d.state = 'requested' and onyx.ctx_purpose_in('platform')
        returning 1)
    select exists (select from kept);
end;
grant execute on function onyx.deletion_request(uuid, uuid, text, text, text, integer),
    onyx.deletion_confirm(uuid, text, text), onyx.deletion_cancel(uuid, text) to onyx_app;
