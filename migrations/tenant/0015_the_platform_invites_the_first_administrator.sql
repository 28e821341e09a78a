-- An organisation's first administrator is invited by the platform, of which nobody has an account there: such an
-- invitation names nobody who invited, makes an administrator and nothing else, and is written for purpose
-- `job:provision` alone. An administrator's own invitations go on to name them, so that they give what they may give.
alter table invitation alter column invited_by drop not null;
create policy invitation_of_the_platform on invitation for insert
    with check ((select onyx.ctx_allows('@tenant@', 'job:provision')));
create policy invitation_names_who_invites on invitation as restrictive for insert
    with check (invited_by is not null
                or (roles = '{admin}' and (select onyx.ctx_allows('@tenant@', 'job:provision'))));
