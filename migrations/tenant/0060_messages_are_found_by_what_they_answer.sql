-- Whoever deletes a message asks for those that answer it (chat_message_parent): without this, every one asked read all
-- that its person ever wrote, and deleting a hundred chats of somebody with many took longer than a statement may.
create index chat_message_answers on chat_message (user_id, parent_id) where parent_id is not null;
