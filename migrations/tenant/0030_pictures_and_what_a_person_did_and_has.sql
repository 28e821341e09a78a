-- A picture that somebody shows of themselves; and what administrators may learn of a person: what concerns access,
-- never what for, and how much would go if they were deleted, never what it is.

create table avatar (
    user_id uuid constraint avatar_pk primary key constraint avatar_user references app_user (id) on delete cascade,
    media_type text not null constraint avatar_type check (media_type in ('image/jpeg', 'image/png')),
    content bytea not null constraint avatar_size check (length(content) <= 524288),
    updated_at timestamptz not null default now()
);
alter table avatar enable row level security;
create policy avatar_own on avatar for all using (user_id = (select onyx.ctx_user('@tenant@', 'member')))
    with check (user_id = (select onyx.ctx_user('@tenant@', 'member')));
create policy avatar_read on avatar for select using ((select onyx.ctx_allows('@tenant@', 'admin')));
grant select, insert, delete on avatar to tenant_@tenant@;
create constraint trigger recorded after insert or delete on avatar
    deferrable initially deferred for each row execute function must_be_recorded();
alter table avatar alter column content set statistics 0;

-- Events that concern somebody's access and account, done by them or to them: a closed list, newest first.
create function person_activity(person uuid, before timestamptz, before_id uuid, most integer)
returns table (at timestamptz, id uuid, action text, actor jsonb, targets jsonb, outcome text, reason text, ip text)
language sql stable security definer begin atomic
    (select e.recorded_at, e.event_id, e.action, e.actor, e.targets, e.outcome, e.reason, e.request->>'ip'
       from audit_event e
      where (select onyx.ctx_allows('@tenant@', 'admin')) and e.actor_id = person
        and e.recorded_at <= before and (e.recorded_at, e.event_id) < (before, before_id)
        and split_part(e.action, '.', 1) in ('api_key', 'factor', 'identity', 'invitation', 'password', 'people',
            'profile', 'recovery_code', 'role', 'roles', 'session', 'session_policy', 'sign_in', 'sign_in_policy',
            'sso', 'step_up', 'user')
      order by e.recorded_at desc, e.event_id desc limit least(most, 200))
    union
    (select e.recorded_at, e.event_id, e.action, e.actor, e.targets, e.outcome, e.reason, e.request->>'ip'
       from audit_event e
      where (select onyx.ctx_allows('@tenant@', 'admin')) and e.recorded_at <= before
        and (e.recorded_at, e.event_id) < (before, before_id)
        and e.action in ('factor.removed', 'identity.linked', 'password.reset', 'reset_link.asked', 'reset_link.made',
            'roles.changed', 'roles.expired', 'sign_in.failed', 'sign_in.blocked', 'user.changed', 'user.created',
            'user.reactivated', 'user.suspended')
        and e.targets @> jsonb_build_array(jsonb_build_object('type', 'user', 'id', person::text))
      order by e.recorded_at desc, e.event_id desc limit least(most, 200))
    order by 1 desc, 2 desc limit least(most, 200);
end;

-- How much hangs on a person; counting what stays stops at ten thousand.
create function person_belongings(person uuid)
returns table (projects bigint, chats bigint, messages bigint, files bigint, file_bytes bigint, api_keys bigint,
               live_sessions bigint, invitations bigint, events bigint)
language sql stable security definer begin atomic
    select (select count(*) from project p where p.user_id = person),
           (select count(*) from chat_session c where c.user_id = person),
           (select coalesce(sum(c.message_count), 0) from chat_session c where c.user_id = person)::bigint,
           (select count(*) from user_file f where f.user_id = person),
           (select coalesce(sum(f.size), 0) from user_file f where f.user_id = person)::bigint,
           (select count(*) from api_key k where k.user_id = person and k.revoked_at is null and k.expires_at > now()),
           (select count(*) from login_session s where s.user_id = person and s.state = 'active'),
           (select count(*) from invitation i where i.invited_by = person),
           (select count(*) from (select 1 from audit_event e where e.actor_id = person limit 10000) as told)
     where (select onyx.ctx_allows('@tenant@', 'admin'));
end;
grant execute on function person_activity(uuid, timestamptz, uuid, integer), person_belongings(uuid)
    to tenant_@tenant@;
