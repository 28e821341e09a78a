-- Keys with which programs act for a person: a part of what that person may do, until a date. Only the digest of a
-- key is kept, and no request but one that checks credentials can read it.

create table api_key (
    user_id uuid not null constraint api_key_user references app_user (id) on delete cascade,
    id uuid not null,
    name text not null,
    permissions text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint api_key_pk primary key (user_id, id)
);
create index api_key_newest on api_key (created_at, id) where revoked_at is null;

-- The digest stands apart, so that its own policy can keep it from all but purpose `auth`.
create table api_key_secret (
    user_id uuid not null,
    id uuid not null,
    digest bytea not null,
    constraint api_key_secret_pk primary key (user_id, id),
    constraint api_key_secret_key foreign key (user_id, id) references api_key (user_id, id) on delete cascade
);

alter table api_key enable row level security;
alter table api_key_secret enable row level security;

create policy api_key_own on api_key for select using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy api_key_create on api_key for insert
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy api_key_own_change on api_key for update
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy api_key_read on api_key for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:sessions')));
create policy api_key_change on api_key for update
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'job:sessions')));
create policy api_key_secret_check on api_key_secret for select using ((select onyx.ctx_allows('@tenant@', 'auth')));
create policy api_key_secret_create on api_key_secret for insert
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));

grant select, insert on api_key, api_key_secret to tenant_@tenant@;
grant update (last_used_at, revoked_at) on api_key to tenant_@tenant@;

-- A key that was revoked stays revoked, whoever asks.
create function revoked_is_revoked() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'a key that was revoked cannot be changed' using errcode = 'insufficient_privilege';
end $$;
create trigger revoked_is_revoked before update on api_key for each row
    when (old.revoked_at is not null) execute function revoked_is_revoked();

create constraint trigger recorded after insert or update of revoked_at or delete on api_key
    deferrable initially deferred for each row execute function must_be_recorded();

alter table api_key alter column name set statistics 0;
alter table api_key_secret alter column digest set statistics 0;
