-- A login session's limits follow its tenant's policy; and what administrators may learn of a session: when it began,
-- was renewed, ended, and from where it was used. Never what for: no route, no object, no other event.

grant update (idle_seconds, expires_at) on login_session to tenant_@tenant@;

create function session_timeline(owner uuid, session uuid, since timestamptz)
returns table (at timestamptz, last_at timestamptz, what text, times bigint, ip text, user_agent text, reason text)
language sql stable security definer begin atomic
    (select e.recorded_at, e.recorded_at, e.action, 1::bigint, e.request->>'ip', e.request->>'user_agent', e.reason
       from audit_event e
      where (select onyx.ctx_allows('@tenant@', 'admin')) and e.recorded_at >= since - interval '1 hour'
        and e.action in ('session.created', 'session.rotated', 'session.ended', 'session.revoked', 'session.expired')
        and e.targets @> jsonb_build_array(jsonb_build_object('type', 'session', 'id', session::text))
      order by e.recorded_at desc limit 200)
    union all
    (select min(a.occurred_at), max(a.occurred_at), case a.kind when 'socket' then 'sockets' else 'requests' end,
            count(*), a.ip, a.user_agent, null
       from access_entry a
      where (select onyx.ctx_allows('@tenant@', 'admin')) and a.occurred_at >= since - interval '1 hour'
        and a.user_id = owner and a.session_id = session
      group by a.kind, a.ip, a.user_agent order by 1 desc limit 200)
    order by 1;
end;
grant execute on function session_timeline(uuid, uuid, timestamptz) to tenant_@tenant@;
