-- An organisation's first administrator is invited by nobody who has an account there, and outgoing_mail belongs to
-- people: what has to be mailed is written on the invitation itself. Null: nothing waits. Only those add columns; code of
-- before goes on working.
alter table invitation add column mail_due_at timestamptz;
alter table invitation add column mail_attempts smallint not null default 0;
create index invitation_mail_waiting on invitation (mail_due_at) where mail_due_at is not null;
grant update (mail_due_at, mail_attempts) on invitation to tenant_@tenant@;
