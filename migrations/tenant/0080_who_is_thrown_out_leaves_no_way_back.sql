-- Who is being signed out or suspended must leave nothing behind by which to come back: a key, a second factor, an account,
-- a role, an invitation, a link. A request that is under way at that moment is no exception. It locks the row of its person
-- and of the login session (or API key) that acts, as whoever ends them does: of the two, the second sees what the first
-- has committed. So a new password revokes a key that was made a moment before it, and none is made a moment after it.
-- SQLSTATE ON004 says that the session is over, its detail why. A job, and the steward, act in no session.
create function must_still_be_signed_in() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare
    part constant text[] := onyx.ctx();
    person constant uuid := nullif(part[3], '')::uuid;
    acting constant uuid := nullif(part[7], '')::uuid;
    why text := 'suspended';
begin
    if acting is null or part[4] not in ('member', 'admin', 'auth') then
        return null;
    end if;
    perform 1 from app_user u where u.id = person and u.status = 'active' for share;
    if found then
        perform 1 from login_session s where s.user_id = person and s.id = acting and s.state = 'active' for share;
        if found then
            return null;
        end if;
        perform 1 from api_key k where k.user_id = person and k.id = acting and k.revoked_at is null for share;
        if found then
            return null;
        end if;
        select coalesce((select s.end_reason from login_session s where s.user_id = person and s.id = acting),
                        'key_revoked') into why;
    end if;
    raise exception 'whoever asks is signed in no longer' using errcode = 'ON004', detail = why;
end $$;

-- After the statement: its own rows are locked by then, in the same order as by whoever sets a password.
create trigger still_signed_in after insert on api_key execute function must_still_be_signed_in();
create trigger still_signed_in after insert on app_user execute function must_still_be_signed_in();
create trigger still_signed_in after insert or update of password_hash on credential
    execute function must_still_be_signed_in();
create trigger still_signed_in after insert on external_identity execute function must_still_be_signed_in();
create trigger still_signed_in after insert on invitation execute function must_still_be_signed_in();
create trigger still_signed_in after insert on passkey execute function must_still_be_signed_in();
create trigger still_signed_in after insert on password_reset execute function must_still_be_signed_in();
create trigger still_signed_in after insert on recovery_code execute function must_still_be_signed_in();
create trigger still_signed_in after insert or update on sso_provider execute function must_still_be_signed_in();
create trigger still_signed_in after insert or update of sealed_secret, confirmed_at on totp
    execute function must_still_be_signed_in();
create trigger still_signed_in after insert or update on user_role execute function must_still_be_signed_in();

-- Whether somebody may come in at this moment: active, and, where a password let them in, with the hash that it was
-- compared with still in force. A suspension or a new password waits until they are in, and then ends their session too.
create function may_enter(person uuid, compared text) returns boolean
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
begin
    if not onyx.ctx_allows('@tenant@', 'auth') then
        return false;
    end if;
    perform 1 from app_user u where u.id = person and u.status = 'active' for share;
    if not found or compared is null then
        return found;
    end if;
    perform 1 from credential c where c.user_id = person and c.password_hash = compared for share;
    return found;
end $$;
grant execute on all functions in schema tenant_@tenant@ to tenant_@tenant@;
