-- Open invitations: who may become whom, once, until when. A row goes when it is used or withdrawn; the trail tells the
-- rest. The link's secret is known by its digest alone.

create table invitation (
    id uuid constraint invitation_pk primary key,
    email text not null,
    email_digest bytea not null constraint invitation_email_unique unique,
    display_name text not null default '',
    roles text[] not null,
    token_digest bytea not null constraint invitation_token_unique unique,
    invited_by uuid not null constraint invitation_inviter references app_user (id) on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index invitation_of_inviter on invitation (invited_by);

alter table invitation enable row level security;
create policy invitation_read on invitation for select
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'job:provision')));
create policy invitation_create on invitation for insert with check ((select onyx.ctx_allows('@tenant@', 'admin')));
create policy invitation_use on invitation for delete
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'job:provision')));
-- The mail's secret is made when the mail is written.
create policy invitation_mail on invitation for select using ((select onyx.ctx_allows('@tenant@', 'job:mail')));
create policy invitation_renew on invitation for update using ((select onyx.ctx_allows('@tenant@', 'job:mail')));
grant select, insert, delete on invitation to tenant_@tenant@;
grant update (token_digest) on invitation to tenant_@tenant@;

create constraint trigger recorded after insert or delete on invitation
    deferrable initially deferred for each row execute function must_be_recorded();

alter table invitation alter column email set statistics 0, alter column email_digest set statistics 0,
    alter column display_name set statistics 0, alter column token_digest set statistics 0;
