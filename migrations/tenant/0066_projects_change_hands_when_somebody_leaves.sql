-- Projects go from one person to another when that one is deleted, and never else: the transaction that hands them over
-- cannot commit while the person is still there, whatever SQL has called the function. A line stands here between the
-- two and is gone at the commit.
create table handed_over (
    user_id uuid not null,
    receiver_id uuid not null,
    constraint handed_over_pk primary key (user_id)
);
alter table handed_over enable row level security;

create function must_have_left() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select 1 from tenant_@tenant@.app_user u where u.id = new.user_id) then
        raise exception 'deletion' using errcode = 'ON003';
    end if;
    delete from tenant_@tenant@.handed_over h where h.user_id = new.user_id;
    return null;
end $$;
create constraint trigger must_have_left after insert on handed_over
    deferrable initially deferred for each row execute function must_have_left();

-- Gives the projects that others read, with their files and readers, from one person to another: all or nothing.
-- Chats and whatever lies elsewhere stay. ON003 says what was in the way: `receiver` is nobody active, `asker` would
-- come by what they cannot read, `sealing` met a file that is not sealed for the receiver yet; at the commit, `deletion`: the
-- person is still there.
create or replace function transfer_projects(person uuid, receiver uuid)
returns table (project_id uuid, files bigint) language plpgsql security definer
set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
#variable_conflict use_column
declare
    asker constant uuid := onyx.ctx_user('@tenant@', 'admin');
    ids uuid[];
begin
    if not onyx.ctx_allows('@tenant@', 'admin') then
        raise exception 'no valid context for this' using errcode = 'insufficient_privilege';
    end if;
    perform 1 from tenant_@tenant@.app_user u
      where u.id = receiver and u.id <> person and u.status = 'active' for key share;
    if not found then
        raise exception 'receiver' using errcode = 'ON003';
    end if;
    insert into tenant_@tenant@.handed_over (user_id, receiver_id) values (person, receiver) on conflict do nothing;
    perform 1 from tenant_@tenant@.project p where p.user_id = person order by p.id for update;
    ids := array(select distinct m.project_id from tenant_@tenant@.project_member m where m.user_id = person);
    perform 1 from tenant_@tenant@.user_file f where f.user_id = person and f.project_id = any (ids)
      order by f.id for update;
    if receiver = asker and exists (select 1 from unnest(ids) as i (id) where not exists (
            select 1 from tenant_@tenant@.project_member m
             where m.user_id = person and m.project_id = i.id and m.member_id = asker)) then
        raise exception 'asker' using errcode = 'ON003';
    end if;
    if exists (select 1 from tenant_@tenant@.user_file f
                 left join tenant_@tenant@.file_handover h on h.user_id = f.user_id and h.file_id = f.id
                where f.user_id = person and f.project_id = any (ids) and f.sealed is not null
                  and (h.receiver_id is distinct from receiver or h.source is distinct from sha256(f.sealed))) then
        raise exception 'sealing' using errcode = 'ON003';
    end if;
    insert into tenant_@tenant@.project (user_id, id, name, created_at)
    select receiver, p.id, p.name, p.created_at from tenant_@tenant@.project p
     where p.user_id = person and p.id = any (ids);
    insert into tenant_@tenant@.project_member (user_id, project_id, member_id, added_at)
    select receiver, m.project_id, m.member_id, m.added_at from tenant_@tenant@.project_member m
     where m.user_id = person and m.member_id <> receiver;
    -- One statement: what refers to a file goes with it, and its own key is looked at when all of it is done.
    with given as (
        delete from tenant_@tenant@.file_handover h where h.user_id = person returning h.file_id, h.sealed
    ), passages as (
        update tenant_@tenant@.file_passage g set user_id = receiver
         where g.user_id = person and g.file_id in (select f.id from tenant_@tenant@.user_file f
                                                    where f.user_id = person and f.project_id = any (ids))
    )
    update tenant_@tenant@.user_file f
       set user_id = receiver, sealed = coalesce((select g.sealed from given g where g.file_id = f.id), f.sealed)
     where f.user_id = person and f.project_id = any (ids);
    delete from tenant_@tenant@.project p where p.user_id = person and p.id = any (ids);
    return query select i.id, (select count(*) from tenant_@tenant@.user_file f
                               where f.user_id = receiver and f.project_id = i.id)
                   from unnest(ids) as i (id) order by i.id;
end $$;
