-- A live session carries the words of its person's e-mail and name, so that those of a word that many people have are
-- found by looking at each session once, in the order of the list, and at nobody's row. Nobody writes them but these
-- triggers; a session that ends forgets them, since a later name could not be written into it.
alter table login_session add column words text;
alter table login_session alter column words set statistics 0;

-- The person's row is locked as its foreign key would: an e-mail address that changes at this moment is waited for. The
-- profile is locked by whoever signs in.
create function carry_words() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
begin
    new.words := null;
    if new.state = 'active' then
        select onyx.plain_words(concat(u.email, ' ', p.display_name)) into new.words
          from app_user u left join profile p on p.user_id = u.id where u.id = new.user_id for key share of u;
    end if;
    return new;
end $$;
create trigger carries_words before insert or update of state on login_session
    for each row execute function carry_words();

create function rename_sessions() returns trigger
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
declare
    person uuid := to_jsonb(new) ->> tg_argv[0];
begin
    update login_session s set words = onyx.plain_words(concat(u.email, ' ', p.display_name))
      from app_user u left join profile p on p.user_id = u.id
     where u.id = person and s.user_id = u.id and s.state = 'active';
    return null;
end $$;
create trigger renamed after update of email on app_user for each row
    when (old.email is distinct from new.email) execute function rename_sessions('id');
create trigger renamed after update of display_name on profile for each row
    when (old.display_name is distinct from new.display_name) execute function rename_sessions('user_id');
