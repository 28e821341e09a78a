-- A password that was reset ends its person's API keys too. Passwords are purpose `auth`'s, so that it revokes them.
drop policy api_key_change on api_key;
create policy api_key_change on api_key for update
    using ((select onyx.ctx_allows('@tenant@', 'admin', 'auth', 'job:sessions')));
