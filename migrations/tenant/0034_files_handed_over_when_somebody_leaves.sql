-- Nobody's work is lost when a colleague leaves: projects that others read go to somebody who goes on with them, before
-- the person is deleted and in the same transaction. What nobody else can read is never handed over; whoever asks, the
-- functions here look at project_member themselves.

-- A file sealed anew for its receiver, from the sealed form with that digest. Made ahead by `job:transfer` for the
-- person who leaves; until the transaction that hands over takes it, the file itself is untouched.
create table file_handover (
    user_id uuid not null,
    file_id uuid not null,
    receiver_id uuid not null,
    source bytea not null,
    sealed bytea not null,
    made_at timestamptz not null default now(),
    constraint file_handover_pk primary key (user_id, file_id),
    constraint file_handover_file foreign key (user_id, file_id) references user_file (user_id, id) on delete cascade
);
alter table file_handover alter column sealed set storage external;
alter table file_handover alter column sealed set statistics 0, alter column source set statistics 0;

alter table file_handover enable row level security;
create policy file_handover_transfer on file_handover for all
    using (user_id = (select onyx.ctx_user('@tenant@', 'job:transfer')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'job:transfer')));
grant select, insert, delete on file_handover to tenant_@tenant@;
grant update (receiver_id, source, sealed, made_at) on file_handover to tenant_@tenant@;

create or replace function forget_member() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from tenant_@tenant@.project_member where member_id = old.id;
    delete from tenant_@tenant@.file_handover where receiver_id = old.id;
    return null;
end $$;

-- Which of somebody's projects others read, who they are, and how much lies there; never what anything is called.
create function person_shares(person uuid)
returns table (project_id uuid, members uuid[], files bigint, file_bytes bigint)
language sql stable security definer begin atomic
    select p.id, array_agg(m.member_id order by m.member_id),
           (select count(*) from user_file f where f.user_id = p.user_id and f.project_id = p.id),
           (select coalesce(sum(f.size), 0) from user_file f where f.user_id = p.user_id and f.project_id = p.id)::bigint
      from project p join project_member m on m.user_id = p.user_id and m.project_id = p.id
     where p.user_id = person and (select onyx.ctx_allows('@tenant@', 'admin'))
     group by p.user_id, p.id order by p.id;
end;

-- Sealed files of the context's person, from an id on, that others read and that are not yet sealed for this receiver.
create function files_to_hand_over(receiver uuid, after uuid, most integer)
returns table (id uuid, sealed bytea, source bytea)
language sql stable security definer begin atomic
    select f.id, f.sealed, sha256(f.sealed) from user_file f
     where f.user_id = (select onyx.ctx_user('@tenant@', 'job:transfer')) and f.id > after and f.sealed is not null
       and exists (select 1 from project_member m where m.user_id = f.user_id and m.project_id = f.project_id)
       and not exists (select 1 from file_handover h where h.user_id = f.user_id and h.file_id = f.id
                          and h.receiver_id = receiver and h.source = sha256(f.sealed))
     order by f.id limit least(most, 100);
end;

-- Gives the projects that others read, with their files and readers, from one person to another: all or nothing.
-- Chats and whatever lies elsewhere stay. ON003 says what was in the way: `receiver` is nobody active, `asker` would
-- come by what they cannot read, `sealing` met a file that is not sealed for the receiver yet.
create function transfer_projects(person uuid, receiver uuid)
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
grant execute on function person_shares(uuid), files_to_hand_over(uuid, uuid, integer), transfer_projects(uuid, uuid)
    to tenant_@tenant@;
