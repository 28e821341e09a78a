-- Roles that a tenant makes for itself, and grants that end. `user_role.role` holds the key of a built-in role or of a
-- row here; the key never changes, the name may.

create table role (
    id uuid constraint role_pk primary key,
    key text not null constraint role_key_unique unique
        constraint role_key_form check (key ~ '^[a-z][a-z0-9-]{0,59}$'
            and key not in ('admin', 'auditor', 'curator', 'limited', 'user')),
    name text not null,
    description text not null default '',
    permissions text[] not null,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

alter table user_role add column expires_at timestamptz;

alter table role enable row level security;
create policy role_read on role for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:provision')));
create policy role_create on role for insert with check ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy role_change on role for update using ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy role_remove on role for delete using ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy user_role_change on user_role for update using ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy user_role_over on user_role for select using ((select onyx.ctx_allows('@tenant@', 'job:roles')));
create policy user_role_sweep on user_role for delete using ((select onyx.ctx_allows('@tenant@', 'job:roles')));
grant select, insert, delete on role to tenant_@tenant@;
grant update (name, description, permissions, updated_at) on role to tenant_@tenant@;
grant update (granted_by, granted_at, expires_at) on user_role to tenant_@tenant@;

-- A grant names a role that exists. The lock keeps the role until the grant has committed, so that one who deletes
-- the role finds this grant too: a key that is given again later must not meet grants of its forerunner.
create function role_must_exist() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
begin
    if new.role in ('admin', 'auditor', 'curator', 'limited', 'platform_admin', 'user') then
        return new;
    end if;
    perform 1 from tenant_@tenant@.role r where r.key = new.role for key share;
    if not found then
        raise exception 'there is no such role' using errcode = 'foreign_key_violation';
    end if;
    return new;
end $$;
create trigger role_must_exist before insert on user_role for each row execute function role_must_exist();

create constraint trigger recorded after insert or update or delete on role
    deferrable initially deferred for each row execute function must_be_recorded();

alter table role alter column key set statistics 0, alter column name set statistics 0,
    alter column description set statistics 0;
