-- What somebody proves who they are with, beside the password: seen by purpose `auth` alone, keys lead with the person.
-- Challenges and links are known by the digest of what was handed out; what is handed out carries an HMAC of Onyx, so
-- that a made-up one never comes as far as these tables.

create table totp (
    user_id uuid constraint totp_pk primary key constraint totp_user references app_user (id) on delete cascade,
    sealed_secret bytea not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    created_at timestamptz not null default now()
);

create table recovery_code (
    user_id uuid not null constraint recovery_code_user references app_user (id) on delete cascade,
    digest bytea not null,
    used_at timestamptz,
    constraint recovery_code_pk primary key (user_id, digest)
);

create table passkey (
    user_id uuid not null constraint passkey_user references app_user (id) on delete cascade,
    id uuid not null,
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null default 0,
    transports jsonb not null default '[]',
    name text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint passkey_pk primary key (user_id, id),
    constraint passkey_credential_unique unique (user_id, credential_id)
);

create table factor_challenge (
    user_id uuid not null constraint factor_challenge_user references app_user (id) on delete cascade,
    id uuid not null,
    kind text not null constraint factor_challenge_kind check (kind in ('open', 'passkey', 'sign_in', 'step_up')),
    digest bytea not null,
    nonce bytea not null,
    session_id uuid,
    remember boolean not null default false,
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint factor_challenge_pk primary key (user_id, id)
);

create table password_reset (
    user_id uuid not null constraint password_reset_user references app_user (id) on delete cascade,
    id uuid not null,
    digest bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint password_reset_pk primary key (user_id, id)
);

-- When somebody proved once more, in a login session, that they are who they were when it began.
create table confirmation (
    user_id uuid not null,
    session_id uuid not null,
    method text not null,
    confirmed_at timestamptz not null default now(),
    constraint confirmation_pk primary key (user_id, session_id),
    constraint confirmation_session foreign key (user_id, session_id) references login_session (user_id, id) on delete cascade
);

-- Mail that waits to be sent: whom it is for and what it is about, never its text or a token.
create table outgoing_mail (
    user_id uuid not null constraint outgoing_mail_user references app_user (id) on delete cascade,
    id uuid not null,
    kind text not null,
    subject_id uuid,
    state text not null default 'waiting'
        constraint outgoing_mail_state check (state in ('waiting', 'sent', 'failed', 'dropped')),
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint outgoing_mail_pk primary key (user_id, id)
);
create index outgoing_mail_waiting on outgoing_mail (due_at) where state = 'waiting';

alter table totp enable row level security;
alter table recovery_code enable row level security;
alter table passkey enable row level security;
alter table factor_challenge enable row level security;
alter table password_reset enable row level security;
alter table confirmation enable row level security;
alter table outgoing_mail enable row level security;

create policy totp_auth on totp for all using ((select onyx.ctx_allows('@tenant@', 'auth')))
    with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy recovery_code_auth on recovery_code for all using ((select onyx.ctx_allows('@tenant@', 'auth')))
    with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy passkey_auth on passkey for all using ((select onyx.ctx_allows('@tenant@', 'auth')))
    with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy factor_challenge_auth on factor_challenge for all using ((select onyx.ctx_allows('@tenant@', 'auth')))
    with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy password_reset_auth on password_reset for all
    using ((select onyx.ctx_allows('@tenant@', 'auth', 'job:mail')))
    with check ((select onyx.ctx_allows('@tenant@', 'auth', 'job:mail')));

-- Whoever checks whether a confirmation is fresh may read it; only purpose `auth` writes one.
create policy confirmation_own on confirmation for select
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy confirmation_read on confirmation for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'platform')));
create policy confirmation_write on confirmation for insert with check ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy confirmation_renew on confirmation for update using ((select onyx.ctx_allows('@tenant@', 'auth')));

create policy outgoing_mail_read on outgoing_mail for select using ((select onyx.ctx_allows('@tenant@', 'job:mail')));
create policy outgoing_mail_post on outgoing_mail for insert
    with check ((select onyx.ctx_allows('@tenant@', 'admin', 'auth')) and state = 'waiting');
create policy outgoing_mail_settle on outgoing_mail for update using ((select onyx.ctx_allows('@tenant@', 'job:mail')));
-- The one who sends must know the address.
create policy app_user_address on app_user for select using ((select onyx.ctx_allows('@tenant@', 'job:mail')));
create policy profile_name on profile for select using ((select onyx.ctx_allows('@tenant@', 'job:mail')));

grant select, insert, delete on totp, recovery_code, passkey, factor_challenge, password_reset to tenant_@tenant@;
grant update (sealed_secret, confirmed_at, last_step, created_at) on totp to tenant_@tenant@;
grant update (used_at) on recovery_code, password_reset to tenant_@tenant@;
grant update (sign_count, last_used_at, name) on passkey to tenant_@tenant@;
grant update (attempts, used_at) on factor_challenge to tenant_@tenant@;
grant select, insert on confirmation to tenant_@tenant@;
grant update (method, confirmed_at) on confirmation to tenant_@tenant@;
grant select, insert on outgoing_mail to tenant_@tenant@;
grant update (state, attempts, due_at, finished_at) on outgoing_mail to tenant_@tenant@;

create constraint trigger recorded after insert or update of sealed_secret, confirmed_at or delete on totp
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on recovery_code
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update of name or delete on passkey
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update on password_reset
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update on confirmation
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update of state on outgoing_mail
    deferrable initially deferred for each row execute function must_be_recorded();

alter table recovery_code alter column digest set statistics 0;
alter table passkey alter column credential_id set statistics 0, alter column public_key set statistics 0,
    alter column name set statistics 0;
alter table factor_challenge alter column digest set statistics 0, alter column nonce set statistics 0;
alter table password_reset alter column digest set statistics 0;
