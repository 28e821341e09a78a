-- People, what they may do, and where they are signed in. Keys and indexes lead with the person, so that neither a
-- plan nor a unique violation tells what others have; the e-mail's uniqueness lies in its keyed digest.

create table app_user (
    id uuid constraint app_user_pk primary key,
    email text not null,
    email_digest bytea not null constraint app_user_email_unique unique,
    status text not null default 'active' constraint app_user_status check (status in ('active', 'suspended')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table profile (
    user_id uuid constraint profile_pk primary key constraint profile_user references app_user (id) on delete cascade,
    display_name text not null,
    preferences jsonb not null default '{}',
    last_login_at timestamptz
);

create table credential (
    user_id uuid constraint credential_pk primary key
        constraint credential_user references app_user (id) on delete cascade,
    password_hash text not null,
    changed_at timestamptz not null default now()
);

create table user_role (
    user_id uuid not null constraint user_role_user references app_user (id) on delete cascade,
    role text not null,
    granted_by uuid,
    granted_at timestamptz not null default now(),
    constraint user_role_pk primary key (user_id, role)
);

create table login_session (
    user_id uuid not null constraint login_session_user references app_user (id) on delete cascade,
    id uuid not null,
    token_digest bytea not null,
    previous_digest bytea,
    rotated_at timestamptz,
    state text not null default 'active'
        constraint login_session_state check (state in ('active', 'expired', 'logout', 'revoked')),
    end_reason text,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    idle_seconds integer not null,
    expires_at timestamptz not null,
    remember boolean not null default false,
    ip text,
    user_agent text,
    device text,
    current_chat uuid,
    constraint login_session_pk primary key (user_id, id)
);
create index login_session_live on login_session (created_at, id) where state = 'active';

alter table app_user enable row level security;
alter table profile enable row level security;
alter table credential enable row level security;
alter table user_role enable row level security;
alter table login_session enable row level security;

create policy app_user_own on app_user for select using (id = (select onyx.ctx_user('@tenant@', 'member')));
create policy app_user_read on app_user for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform', 'job:provision')));
create policy app_user_create on app_user for insert
    with check ((select onyx.ctx_allows('@tenant@', 'admin', 'job:provision')));
create policy app_user_change on app_user for update using ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy app_user_remove on app_user for delete using ((select onyx.ctx_allows('@tenant@', 'admin')));

create policy profile_own on profile for select using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy profile_read on profile for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform', 'job:provision')));
create policy profile_own_change on profile for update using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy profile_change on profile for update using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth')));
create policy profile_create on profile for insert
    with check ((select onyx.ctx_allows('@tenant@', 'admin', 'job:provision')));

create policy credential_check on credential for select using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy credential_change on credential for update using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy credential_create on credential for insert
    with check ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:provision')));

create policy user_role_own on user_role for select using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy user_role_read on user_role for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:provision')));
create policy user_role_grant on user_role for insert
    with check ((select onyx.ctx_allows('@tenant@', 'admin', 'job:provision')));
create policy user_role_take on user_role for delete using ((select onyx.ctx_allows('@tenant@', 'admin')));

create policy login_session_own on login_session for select
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy login_session_own_change on login_session for update
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy login_session_read on login_session for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform', 'job:sessions')));
create policy login_session_open on login_session for insert with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy login_session_change on login_session for update
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform', 'job:sessions')));

grant select, insert, update, delete on app_user to tenant_@tenant@;
grant select, insert on profile to tenant_@tenant@;
grant update (display_name, preferences, last_login_at) on profile to tenant_@tenant@;
grant select, insert on credential to tenant_@tenant@;
grant update (password_hash, changed_at) on credential to tenant_@tenant@;
grant select, insert, delete on user_role to tenant_@tenant@;
grant select, insert on login_session to tenant_@tenant@;
grant update (state, end_reason, ended_at, last_seen_at, token_digest, previous_digest, rotated_at, current_chat)
    on login_session to tenant_@tenant@;

-- A session that has ended stays ended, whoever asks.
create function ended_is_ended() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'a login session that has ended cannot be changed' using errcode = 'insufficient_privilege';
end $$;
create trigger ended_is_ended before update on login_session for each row
    when (old.state <> 'active') execute function ended_is_ended();

create constraint trigger recorded after insert or update or delete on app_user
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update of display_name, preferences or delete on profile
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on credential
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on user_role
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update of state, token_digest or delete on login_session
    deferrable initially deferred for each row execute function must_be_recorded();

-- No statistics of what people are called: a plan's estimates would follow another tenant's values.
alter table app_user alter column email set statistics 0, alter column email_digest set statistics 0;
alter table profile alter column display_name set statistics 0, alter column preferences set statistics 0;
alter table login_session alter column ip set statistics 0, alter column user_agent set statistics 0,
    alter column device set statistics 0, alter column token_digest set statistics 0;
