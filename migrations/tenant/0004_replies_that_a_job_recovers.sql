-- Replies whose process died: a job may learn which ones wait, and nothing of what is in them. It then acts for each
-- person in that person's own member scope.

create function stuck_replies(most integer)
returns table (user_id uuid, id uuid, chat_session_id uuid, parent_id uuid, created_at timestamptz, active boolean)
language sql stable security definer begin atomic
    select m.user_id, m.id, m.chat_session_id, m.parent_id, m.created_at, u.status = 'active'
      from chat_message m join app_user u on u.id = m.user_id
     where (select onyx.ctx_allows('@tenant@', 'job:replies')) and m.status = 'pending'
     order by m.id limit least(most, 1000);
end;
grant execute on function stuck_replies(integer) to tenant_@tenant@;
