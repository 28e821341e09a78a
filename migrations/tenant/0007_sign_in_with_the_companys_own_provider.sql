-- Single sign-on by OpenID Connect: the tenant's provider, whose account there is whose here, and which login session
-- came from which session there, so that signing out there ends it here.

create table sso_provider (
    id smallint constraint sso_provider_pk primary key default 1 constraint sso_provider_one check (id = 1),
    issuer text not null,
    client_id text not null,
    sealed_secret bytea not null,
    domains text[] not null,
    default_role text not null,
    create_people boolean not null default true,
    enabled boolean not null default true,
    updated_at timestamptz not null default now()
);

create table external_identity (
    user_id uuid not null constraint external_identity_user references app_user (id) on delete cascade,
    issuer text not null,
    subject text not null,
    linked_at timestamptz not null default now(),
    constraint external_identity_pk primary key (user_id, issuer),
    constraint external_identity_once unique (issuer, subject)
);

create table sso_session (
    user_id uuid not null,
    session_id uuid not null,
    issuer text not null,
    sid text,
    constraint sso_session_pk primary key (user_id, session_id),
    constraint sso_session_session foreign key (user_id, session_id)
        references login_session (user_id, id) on delete cascade
);
create index sso_session_by_sid on sso_session (issuer, sid);

alter table sso_provider enable row level security;
alter table external_identity enable row level security;
alter table sso_session enable row level security;
create policy sso_provider_admin on sso_provider for all using ((select onyx.ctx_allows('@tenant@', 'admin')))
    with check ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy sso_provider_read on sso_provider for select using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy external_identity_own on external_identity for select
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy external_identity_read on external_identity for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:provision')));
create policy external_identity_link on external_identity for insert
    with check ((select onyx.ctx_allows('@tenant@', 'auth', 'job:provision')));
create policy sso_session_read on sso_session for select using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy sso_session_open on sso_session for insert with check ((select onyx.ctx_allows('@tenant@', 'auth')));
grant select, insert, update, delete on sso_provider to tenant_@tenant@;
grant select, insert on external_identity, sso_session to tenant_@tenant@;

create constraint trigger recorded after insert or update or delete on sso_provider
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on external_identity
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or delete on sso_session
    deferrable initially deferred for each row execute function must_be_recorded();

alter table external_identity alter column subject set statistics 0;
alter table sso_session alter column sid set statistics 0;
