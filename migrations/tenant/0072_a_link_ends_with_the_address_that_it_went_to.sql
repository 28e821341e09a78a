-- A one-time link for a new password went to somebody's e-mail. With another address, whoever still reads the old mailbox
-- must not come in by it, whichever way the address was changed.
create function void_links() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
begin
    update password_reset set used_at = now() where user_id = new.id and used_at is null;
    return null;
end $$;
create trigger voids_links after update of email on app_user for each row
    when (old.email is distinct from new.email) execute function void_links();
