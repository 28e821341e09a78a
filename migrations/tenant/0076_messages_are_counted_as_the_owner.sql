-- What somebody uses up is counted beside every message. Under the table's policies each count asked for the context six
-- times (insert, conflict, update and read, each by itself), which cost as much as storing the chat. This asks once, and
-- counts for whoever the context names, whatever a statement says.
create function count_message() returns void
language plpgsql security definer set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
declare
    whose constant uuid := onyx.ctx_user('@tenant@', 'member');
begin
    if whose is null then
        raise exception 'no valid context for this count' using errcode = 'insufficient_privilege';
    end if;
    insert into tenant_@tenant@.usage_day (user_id, day, metric, used) values (whose, current_date, 'messages', 1)
    on conflict (user_id, day, metric) do update set used = usage_day.used + 1;
end $$;
grant execute on function count_message() to tenant_@tenant@;
