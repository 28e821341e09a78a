-- People of a large organisation are found by how the words of their name or e-mail begin, without reading everybody.
-- Text search is not leakproof, so that row-level security would never let it use an index: this function asks the
-- context by itself.
create index app_user_words on app_user using gin (onyx.words_of(email));
create index profile_words on profile using gin (onyx.words_of(display_name));

create function people_like(typed text, most integer) returns setof uuid
language sql stable security definer begin atomic
    (select u.id from app_user u
      where onyx.words_of(u.email) @@ onyx.words_like(typed)
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most)
    union
    (select p.user_id from profile p
      where onyx.words_of(p.display_name) @@ onyx.words_like(typed)
        and (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) limit most);
end;
grant execute on function people_like(text, integer) to tenant_@tenant@;

-- The same of one person, for lists that nearly everybody is on.
create function is_named(person uuid, typed text) returns boolean
language sql stable security definer begin atomic
    select onyx.ctx_allows('@tenant@', 'admin', 'platform')
           and (exists (select 1 from app_user u where u.id = person and onyx.words_of(u.email) @@ onyx.words_like(typed))
                or exists (select 1 from profile p where p.user_id = person
                              and onyx.words_of(p.display_name) @@ onyx.words_like(typed)));
end;
grant execute on function is_named(uuid, text) to tenant_@tenant@;

-- What administrators, and the platform's, may learn of a session: when it began, was renewed and ended, from where it was
-- used, when its sockets opened and closed, which chats it opened and exported, by their ids. Never a title or a word.
drop function session_timeline(uuid, uuid, timestamptz);
create function session_timeline(owner uuid, session uuid, since timestamptz)
returns table (at timestamptz, last_at timestamptz, what text, times bigint, object text, ip text, user_agent text, reason text)
language sql stable security definer begin atomic
    with used as (
        select a.occurred_at, a.kind, a.method, a.object, a.ip, a.user_agent,
               case when a.method in ('CONNECT', 'DISCONNECT') then lower(a.method)
                    when a.status >= 400 then null
                    when a.route like '/api/v1/sessions/%/export' then 'export'
                    when a.route in ('/api/v1/sessions/<chat_id>', '/api/v1/sessions/<chat_id>/messages', '/c/<chat_id>',
                                     '/api/sessions/<chat_id>/load', '/api/sessions/<chat_id>/history', 'session:join')
                         and a.method in ('GET', 'EVENT') and a.object <> '' then 'chat' end as special
          from access_entry a
         where (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) and a.occurred_at >= since - interval '1 hour'
           and a.user_id = owner and a.session_id = session)
    (select e.recorded_at, e.recorded_at, e.action, 1::bigint, ''::text, e.request->>'ip', e.request->>'user_agent', e.reason
       from audit_event e
      where (select onyx.ctx_allows('@tenant@', 'admin', 'platform')) and e.recorded_at >= since - interval '1 hour'
        and e.action in ('session.created', 'session.rotated', 'session.ended', 'session.revoked', 'session.expired')
        and e.targets @> jsonb_build_array(jsonb_build_object('type', 'session', 'id', session::text))
      order by e.recorded_at desc limit 200)
    union all
    (select u.occurred_at, u.occurred_at, u.special, 1, '', u.ip, u.user_agent, null from used u
      where u.special in ('connect', 'disconnect') order by 1 desc limit 200)
    union all
    (select min(u.occurred_at), max(u.occurred_at), u.special, count(*), left(u.object, 36), max(u.ip), max(u.user_agent), null
       from used u where u.special in ('chat', 'export') group by u.special, left(u.object, 36) order by 2 desc limit 200)
    union all
    (select min(u.occurred_at), max(u.occurred_at), case u.kind when 'socket' then 'sockets' else 'requests' end, count(*),
            '', u.ip, u.user_agent, null
       from used u where u.method not in ('CONNECT', 'DISCONNECT')
      group by u.kind, u.ip, u.user_agent order by 2 desc limit 200)
    order by 1;
end;
grant execute on function session_timeline(uuid, uuid, timestamptz) to tenant_@tenant@;
