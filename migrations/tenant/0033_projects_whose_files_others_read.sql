-- Whom a project's owner lets read its files. Chats in a project stay their owner's alone. A member is found by the
-- digest of an e-mail that the owner knows, so that a row here teaches nobody who else there is; without a foreign
-- key to the member, so that an owner's backup can be restored after a member was erased.

create table project_member (
    user_id uuid not null,
    project_id uuid not null,
    member_id uuid not null,
    added_at timestamptz not null default now(),
    constraint project_member_pk primary key (user_id, project_id, member_id),
    constraint project_member_project foreign key (user_id, project_id) references project (user_id, id)
        on delete cascade,
    constraint project_member_other check (member_id <> user_id)
);
create index project_member_of on project_member (member_id, user_id, project_id);
create index user_file_of_project on user_file (user_id, project_id) where project_id is not null;

alter table project_member enable row level security;
create policy project_member_own on project_member for select
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy project_member_end on project_member for delete
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy project_member_self on project_member for select
    using (member_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy project_member_leave on project_member for delete
    using (member_id = (select onyx.ctx_user('@tenant@', 'member')));
grant select, delete on project_member to tenant_@tenant@;

create constraint trigger recorded after insert or delete on project_member
    deferrable initially deferred for each row execute function must_be_recorded();

create function forget_member() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from tenant_@tenant@.project_member where member_id = old.id;
    return null;
end $$;
create trigger forget_member after delete on app_user for each row execute function forget_member();

-- Lets somebody read the files of one of the asker's own projects: their id, or nothing where nobody active signs in
-- with that address. Of many at once at most a hundred come to read one project, since they wait for its row.
create function share_project(project uuid, digest bytea)
returns uuid language plpgsql security definer
set search_path = pg_catalog, tenant_@tenant@, onyx, pg_temp as $$
declare
    asker constant uuid := onyx.ctx_user('@tenant@', 'member');
    found_id uuid;
begin
    perform 1 from tenant_@tenant@.project p where p.user_id = asker and p.id = share_project.project for update;
    if not found then
        return null;
    end if;
    select u.id into found_id from tenant_@tenant@.app_user u
     where u.email_digest = digest and u.status = 'active' and u.id <> asker;
    if found_id is null then
        return null;
    end if;
    if (select count(*) from tenant_@tenant@.project_member m
         where m.user_id = asker and m.project_id = share_project.project and m.member_id <> found_id) >= 100 then
        raise exception 'members' using errcode = 'ON003';
    end if;
    insert into tenant_@tenant@.project_member (user_id, project_id, member_id)
    values (asker, share_project.project, found_id) on conflict do nothing;
    return found_id;
end $$;

-- Who reads one of the asker's own projects.
create function project_readers(project uuid) returns table (id uuid, name text, added_at timestamptz)
language sql stable security definer begin atomic
    select m.member_id, f.display_name, m.added_at from project_member m join profile f on f.user_id = m.member_id
     where m.user_id = (select onyx.ctx_user('@tenant@', 'member')) and m.project_id = project
     order by f.display_name, m.member_id;
end;

-- What the asker may read of others: projects, their files, and one file as it is stored.
create function shared_projects() returns table (id uuid, name text, owner_id uuid, owner_name text, created_at timestamptz)
language sql stable security definer begin atomic
    select p.id, p.name, p.user_id, f.display_name, p.created_at
      from project_member m join project p on p.user_id = m.user_id and p.id = m.project_id
      join profile f on f.user_id = p.user_id
     where m.member_id = (select onyx.ctx_user('@tenant@', 'member')) order by p.name, p.id limit 500;
end;
create function shared_files(project uuid, moment timestamptz, before uuid, most integer)
returns table (id uuid, project_id uuid, name text, media_type text, size bigint, created_at timestamptz)
language sql stable security definer begin atomic
    select f.id, f.project_id, f.name, f.media_type, f.size, f.created_at
      from project_member m join user_file f on f.user_id = m.user_id and f.project_id = m.project_id
     where m.member_id = (select onyx.ctx_user('@tenant@', 'member')) and m.project_id = project
       and (moment is null or (f.created_at, f.id) < (moment, before))
     order by f.created_at desc, f.id desc limit least(most, 201);
end;
create function shared_file(file uuid)
returns table (owner_id uuid, id uuid, project_id uuid, name text, media_type text, size bigint, created_at timestamptz,
               sha256 bytea, content text, sealed bytea)
language sql stable security definer begin atomic
    select f.user_id, f.id, f.project_id, f.name, f.media_type, f.size, f.created_at, f.sha256, f.content, f.sealed
      from project_member m join user_file f on f.user_id = m.user_id and f.project_id = m.project_id
     where m.member_id = (select onyx.ctx_user('@tenant@', 'member')) and f.id = file;
end;
grant execute on function share_project(uuid, bytea), project_readers(uuid), shared_projects(),
    shared_files(uuid, timestamptz, uuid, integer), shared_file(uuid) to tenant_@tenant@;
