-- What a company's directory says of people over SCIM: its own name for them, and groups, some of which give a role.
-- `granted` marks a role that came by the group and goes with it; a role that was given by hand stays.

create table scim_user (
    user_id uuid constraint scim_user_pk primary key
        constraint scim_user_user references app_user (id) on delete cascade,
    external_id text,
    attributes jsonb not null default '{}',
    updated_at timestamptz not null default now()
);
create index scim_user_external on scim_user (external_id);

create table scim_group (
    id uuid constraint scim_group_pk primary key,
    display_name text not null,
    external_id text,
    role text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index scim_group_name on scim_group (lower(display_name));

create table scim_member (
    group_id uuid not null constraint scim_member_group references scim_group (id) on delete cascade,
    user_id uuid not null constraint scim_member_user references app_user (id) on delete cascade,
    granted boolean not null default false,
    constraint scim_member_pk primary key (group_id, user_id)
);
create index scim_member_of on scim_member (user_id);

alter table scim_user enable row level security;
alter table scim_group enable row level security;
alter table scim_member enable row level security;
create policy scim_user_admin on scim_user for all using ((select onyx.ctx_allows('@tenant@', 'admin')))
    with check ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy scim_group_admin on scim_group for all using ((select onyx.ctx_allows('@tenant@', 'admin')))
    with check ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy scim_member_admin on scim_member for all using ((select onyx.ctx_allows('@tenant@', 'admin')))
    with check ((select onyx.ctx_allows('@tenant@', 'admin')));
grant select, insert, update, delete on scim_user, scim_group, scim_member to tenant_@tenant@;

create constraint trigger recorded after insert or update or delete on scim_user
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on scim_group
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on scim_member
    deferrable initially deferred for each row execute function must_be_recorded();

alter table scim_user alter column external_id set statistics 0, alter column attributes set statistics 0;
alter table scim_group alter column display_name set statistics 0, alter column external_id set statistics 0;
