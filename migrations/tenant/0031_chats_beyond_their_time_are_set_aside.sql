-- A chat whose last message lies beyond the tenant's retention is set aside: its person sees it no more, and it can come
-- back. A week later it is deleted with its messages. The job that does both learns of chats whose they are and nothing
-- of what is in them.
alter table chat_session add column set_aside_at timestamptz;
create index chat_session_set_aside on chat_session (user_id, id) where set_aside_at is not null;

drop policy chat_session_own on chat_session;
create policy chat_session_own on chat_session for all
    using (user_id = (select onyx.ctx_user('@tenant@', 'member')) and set_aside_at is null)
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')) and set_aside_at is null);

create constraint trigger setting_aside_recorded after update on chat_session
    deferrable initially deferred for each row when ((old.set_aside_at is null) <> (new.set_aside_at is null))
    execute function must_be_recorded();

-- What is set aside is not found either.
create or replace function get_session_messages(of_session uuid, most integer, skip integer)
returns table (id uuid, seq integer, role text, status text, content text, parent_id uuid, token_count integer,
               metadata jsonb, created_at timestamptz)
language sql stable begin atomic
    select m.id, m.seq, m.role, m.status, m.content, m.parent_id, m.token_count, m.metadata, m.created_at
      from chat_message m
     where m.user_id = (select onyx.ctx_user('@tenant@', 'member')) and m.chat_session_id = of_session
       and exists (select from chat_session c where c.user_id = m.user_id and c.id = m.chat_session_id)
     order by m.seq limit most offset skip;
end;
create or replace function search_messages(words tsquery, most integer)
returns table (id uuid, chat_session_id uuid, seq integer, role text, content text, created_at timestamptz, rank real)
language sql stable security definer begin atomic
    select m.id, m.chat_session_id, m.seq, m.role, m.content, m.created_at, ts_rank_cd(m.search, words)
      from chat_message m
     where m.user_id = (select onyx.ctx_user('@tenant@', 'member')) and m.search @@ words
       and not exists (select from chat_session c where c.user_id = m.user_id and c.id = m.chat_session_id
                          and c.set_aside_at is not null)
     order by ts_rank_cd(m.search, words) desc, m.created_at desc limit least(most, 100);
end;

-- What a retention of so many days would set aside now; what is set aside already, and when the first of it goes.
create function retention_preview(days integer)
returns table (chats bigint, messages bigint, people bigint, oldest timestamptz, waiting bigint, goes_at timestamptz)
language sql stable security definer begin atomic
    select go.chats, go.messages, go.people, go.oldest, aside.waiting, aside.first + interval '7 days'
      from (select count(*) as chats, coalesce(sum(c.message_count), 0)::bigint as messages,
                   count(distinct c.user_id) as people, min(c.last_message_at) as oldest
              from chat_session c
             where c.set_aside_at is null and c.last_message_at < now() - days * interval '1 day') go,
           (select count(*) as waiting, min(c.set_aside_at) as first from chat_session c
             where c.set_aside_at is not null) aside
     where (select onyx.ctx_allows('@tenant@', 'admin', 'job:retention', 'platform'));
end;

-- The same for somebody's own chats.
create function retention_of_own() returns table (waiting bigint, goes_at timestamptz)
language sql stable security definer begin atomic
    select count(*), min(c.set_aside_at) + interval '7 days' from chat_session c
     where c.user_id = (select onyx.ctx_user('@tenant@', 'member')) and c.set_aside_at is not null;
end;

-- The job's three steps, some rows at a time. A chat that somebody writes in at this moment is passed over, and is not
-- too old when it is looked at again. Nothing goes that the tenant's own rule, as it stands here, would keep.
create function retention_set_aside(days integer, most integer) returns table (user_id uuid, id uuid)
language sql security definer begin atomic
    with over as (
        select c.user_id, c.id from chat_session c
         where (select onyx.ctx_allows('@tenant@', 'job:retention')) and (select onyx.chat_retention()) <= days
           and c.set_aside_at is null and c.last_message_at < now() - days * interval '1 day'
         order by c.last_message_at, c.user_id, c.id limit least(most, 1000) for update skip locked
    )
    update chat_session c set set_aside_at = now() from over o where c.user_id = o.user_id and c.id = o.id
    returning c.user_id, c.id;
end;
create function retention_bring_back(days integer, most integer) returns table (user_id uuid, id uuid)
language sql security definer begin atomic
    with back as (
        select c.user_id, c.id from chat_session c
         where (select onyx.ctx_allows('@tenant@', 'job:retention')) and c.set_aside_at is not null
           and (days is null or c.last_message_at >= now() - days * interval '1 day')
         order by c.user_id, c.id limit least(most, 1000) for update skip locked
    )
    update chat_session c set set_aside_at = null from back b where c.user_id = b.user_id and c.id = b.id
    returning c.user_id, c.id;
end;
create function retention_remove(days integer, most integer)
returns table (user_id uuid, id uuid, messages integer)
language sql security definer begin atomic
    with over as (
        select c.user_id, c.id from chat_session c
         where (select onyx.ctx_allows('@tenant@', 'job:retention')) and (select onyx.chat_retention()) <= days
           and c.set_aside_at < now() - interval '7 days' and c.last_message_at < now() - days * interval '1 day'
         order by c.set_aside_at, c.user_id, c.id limit least(most, 1000) for update skip locked
    )
    delete from chat_session c using over o where c.user_id = o.user_id and c.id = o.id
    returning c.user_id, c.id, c.message_count;
end;
grant execute on function retention_preview(integer), retention_of_own(), retention_set_aside(integer, integer),
    retention_bring_back(integer, integer), retention_remove(integer, integer) to tenant_@tenant@;
