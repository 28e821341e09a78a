-- Chats that retention has set aside are kept for another week. Pages show them no more; whoever asks for everything that
-- is kept about them is given these, too.
create function own_chats_set_aside(person uuid, after uuid, most integer)
returns table (id uuid, project_id uuid, title text, is_active boolean, created_at timestamptz, updated_at timestamptz,
               last_message_at timestamptz, set_aside_at timestamptz)
language sql stable security definer begin atomic
    select c.id, c.project_id, c.title, c.is_active, c.created_at, c.updated_at, c.last_message_at, c.set_aside_at
      from chat_session c
     where c.user_id = person and c.user_id = (select onyx.ctx_user('@tenant@', 'member')) and c.set_aside_at is not null and c.id > after
     order by c.id limit least(most, 1000);
end;
grant execute on function own_chats_set_aside(uuid, uuid, integer) to tenant_@tenant@;
