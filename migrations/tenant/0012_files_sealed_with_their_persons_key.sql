-- A file's content is sealed with its person's key; its passages stay searchable. What older versions stored in the
-- clear, or sealed otherwise, is sealed by the job `job:keys`, which alone may change what is stored.

alter table user_file alter column content drop not null;
alter table user_file add column sealed bytea;
alter table user_file alter column sealed set storage external;
alter table user_file alter column sealed set statistics 0;
alter table user_file add constraint user_file_stored_once check ((content is null) <> (sealed is null));

create policy user_file_to_seal on user_file for select using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
create policy user_file_seal on user_file for update using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
create policy user_file_sealed_by_the_job on user_file as restrictive for update
    using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
grant update (content, sealed) on user_file to tenant_@tenant@;

create policy totp_to_seal on totp for select using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
create policy totp_seal on totp for update using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
create policy sso_provider_to_seal on sso_provider for select using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
create policy sso_provider_seal on sso_provider for update using ((select onyx.ctx_allows('@tenant@', 'job:keys')));
