-- How many people each of some tenants has, for the platform's list: from the directory's lines, without a visit to
-- each schema. Purpose `platform` alone gets an answer.
create function onyx.people_counts(tenants uuid[])
returns table (tenant_id uuid, people bigint)
language sql stable security definer begin atomic
    select d.tenant_id, count(*) from onyx.directory d
     where d.tenant_id = any (tenants) and onyx.ctx_purpose_in('platform')
     group by d.tenant_id;
end;
grant execute on function onyx.people_counts(uuid[]) to onyx_app;
create index directory_by_tenant on onyx.directory (tenant_id);
