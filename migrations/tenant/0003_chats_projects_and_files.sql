-- What people write and upload. Only purpose `member` with its own user sees any of it. Every key leads with the
-- owner and every reference carries the owner, so that nobody can hang a row under another person's.

create table project (
    user_id uuid not null constraint project_user references app_user (id) on delete cascade,
    id uuid not null,
    name text not null,
    created_at timestamptz not null default now(),
    constraint project_pk primary key (user_id, id)
);

create table chat_session (
    user_id uuid not null constraint chat_session_user references app_user (id) on delete cascade,
    id uuid not null,
    project_id uuid,
    title text,
    preview text not null default '',
    message_count integer not null default 0,
    last_seq integer not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_message_at timestamptz not null default now(),
    constraint chat_session_pk primary key (user_id, id),
    constraint chat_session_project foreign key (user_id, project_id) references project (user_id, id)
        on delete set null (project_id)
);
create index chat_session_newest on chat_session (user_id, last_message_at desc, id desc);

create table chat_message (
    user_id uuid not null,
    id uuid not null,
    chat_session_id uuid not null,
    seq integer not null,
    author_id uuid,
    parent_id uuid,
    role text not null constraint chat_message_role check (role in ('user', 'assistant', 'system')),
    status text not null default 'done'
        constraint chat_message_status check (status in ('done', 'pending', 'stopped', 'failed')),
    content text not null,
    token_count integer not null default 0,
    metadata jsonb not null default '{}',
    client_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector generated always as (to_tsvector('simple', content)) stored,
    constraint chat_message_pk primary key (user_id, id),
    constraint chat_message_session foreign key (user_id, chat_session_id)
        references chat_session (user_id, id) on delete cascade,
    constraint chat_message_parent foreign key (user_id, parent_id) references chat_message (user_id, id),
    constraint chat_message_dense unique (user_id, chat_session_id, seq),
    constraint chat_message_once unique (user_id, chat_session_id, client_id)
);
create index chat_message_pending on chat_message (user_id, id) where status = 'pending';
create index chat_message_search on chat_message using gin (user_id, search);

create table user_file (
    user_id uuid not null constraint user_file_user references app_user (id) on delete cascade,
    id uuid not null,
    project_id uuid,
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null,
    content text not null,
    created_at timestamptz not null default now(),
    constraint user_file_pk primary key (user_id, id),
    constraint user_file_project foreign key (user_id, project_id) references project (user_id, id)
        on delete set null (project_id)
);

create table file_passage (
    user_id uuid not null,
    file_id uuid not null,
    ordinal integer not null,
    content text not null,
    search tsvector generated always as (to_tsvector('simple', content)) stored,
    constraint file_passage_pk primary key (user_id, file_id, ordinal),
    constraint file_passage_file foreign key (user_id, file_id) references user_file (user_id, id) on delete cascade
);
create index file_passage_search on file_passage using gin (user_id, search);

alter table project enable row level security;
alter table chat_session enable row level security;
alter table chat_message enable row level security;
alter table user_file enable row level security;
alter table file_passage enable row level security;

create policy project_own on project for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy chat_session_own on chat_session for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy chat_message_own on chat_message for select
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy chat_message_write on chat_message for insert
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy chat_message_finish on chat_message for update
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')) and role = 'assistant' and status = 'pending')
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')) and role = 'assistant');
create policy user_file_own on user_file for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy file_passage_own on file_passage for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));

grant select, insert, delete on project, chat_session, user_file, file_passage to tenant_@tenant@;
grant update (name) on project to tenant_@tenant@;
grant update (title, project_id, is_active, preview, message_count, last_seq, updated_at, last_message_at)
    on chat_session to tenant_@tenant@;
grant select, insert on chat_message to tenant_@tenant@;
grant update (content, status, token_count, metadata, updated_at) on chat_message to tenant_@tenant@;

-- The seed's trigger function: a new message takes the next number of its chat and moves the chat to the top. The
-- row lock on the chat makes numbers dense; a chat that is not the writer's own is an unknown one. A statement that
-- moves the chat itself, once for a question and its reply, hands the numbers over (onyx/chat/service.py).
create function update_session_last_message() returns trigger
language plpgsql set search_path = pg_catalog, tenant_@tenant@, pg_temp as $$
begin
    update tenant_@tenant@.chat_session c
       set last_seq = c.last_seq + 1, message_count = c.message_count + 1, last_message_at = clock_timestamp(),
           updated_at = clock_timestamp(),
           title = coalesce(c.title, case when new.role = 'user'
                       then left(regexp_replace(btrim(new.content), '\s+', ' ', 'g'), 60) end),
           preview = case when new.content = '' then c.preview else left(new.content, 120) end
     where c.user_id = new.user_id and c.id = new.chat_session_id
    returning c.last_seq into new.seq;
    if not found then
        raise exception 'unknown chat' using errcode = 'foreign_key_violation', constraint = 'chat_message_session';
    end if;
    return new;
end $$;
create trigger takes_its_number before insert on chat_message
    for each row when (new.seq is null) execute function update_session_last_message();

-- The seed's two read functions, under the reader's own row-level security.
create function get_user_sessions(of_user uuid, most integer)
returns table (id uuid, title text, preview text, message_count integer, project_id uuid, created_at timestamptz,
               updated_at timestamptz, last_message_at timestamptz)
language sql stable begin atomic
    select c.id, c.title, c.preview, c.message_count, c.project_id, c.created_at, c.updated_at, c.last_message_at
      from chat_session c where c.user_id = of_user
     order by c.last_message_at desc, c.id desc limit most;
end;
create function get_session_messages(of_session uuid, most integer, skip integer)
returns table (id uuid, seq integer, role text, status text, content text, parent_id uuid, token_count integer,
               metadata jsonb, created_at timestamptz)
language sql stable begin atomic
    select m.id, m.seq, m.role, m.status, m.content, m.parent_id, m.token_count, m.metadata, m.created_at
      from chat_message m
     where m.user_id = (select onyx.ctx_user('@tenant@', 'member')) and m.chat_session_id = of_session
     order by m.seq limit most offset skip;
end;

-- Full-text search. `@@` is not leakproof, so under row-level security its index would lie unused; these two read
-- as the owner and filter by the signed user themselves.
create function search_messages(words tsquery, most integer)
returns table (id uuid, chat_session_id uuid, seq integer, role text, content text, created_at timestamptz, rank real)
language sql stable security definer begin atomic
    select m.id, m.chat_session_id, m.seq, m.role, m.content, m.created_at, ts_rank_cd(m.search, words)
      from chat_message m
     where m.user_id = (select onyx.ctx_user('@tenant@', 'member')) and m.search @@ words
     order by ts_rank_cd(m.search, words) desc, m.created_at desc limit least(most, 100);
end;
create function search_passages(words tsquery, most integer)
returns table (file_id uuid, name text, ordinal integer, content text, rank real)
language sql stable security definer begin atomic
    select p.file_id, f.name, p.ordinal, p.content, ts_rank_cd(p.search, words)
      from file_passage p join user_file f on f.user_id = p.user_id and f.id = p.file_id
     where p.user_id = (select onyx.ctx_user('@tenant@', 'member')) and p.search @@ words
     order by ts_rank_cd(p.search, words) desc limit least(most, 100);
end;
grant execute on function get_user_sessions(uuid, integer), get_session_messages(uuid, integer, integer),
    search_messages(tsquery, integer), search_passages(tsquery, integer) to tenant_@tenant@;

create constraint trigger recorded after insert or update of name or delete on project
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or delete on chat_session
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger change_recorded after update on chat_session
    deferrable initially deferred for each row
    when ((old.title, old.project_id, old.is_active) is distinct from (new.title, new.project_id, new.is_active))
    execute function must_be_recorded();
create constraint trigger recorded after insert or delete on chat_message
    deferrable initially deferred for each row execute function must_be_recorded();
create constraint trigger recorded after insert or update or delete on user_file
    deferrable initially deferred for each row execute function must_be_recorded();

-- No statistics of what people wrote: a plan's estimates would follow another tenant's values.
alter table project alter column name set statistics 0;
alter table chat_session alter column title set statistics 0, alter column preview set statistics 0;
alter table chat_message alter column content set statistics 0, alter column metadata set statistics 0,
    alter column search set statistics 0;
alter table user_file alter column name set statistics 0, alter column content set statistics 0;
alter table file_passage alter column content set statistics 0, alter column search set statistics 0;
