-- A tenant's administrators say whether everybody there needs a second factor; the tenant comes from the signed context.
create function onyx.require_factor(wanted boolean) returns void
language sql security definer begin atomic
    update onyx.tenant set settings = settings || jsonb_build_object('require_mfa', wanted)
     where id = onyx.ctx_tenant() and onyx.ctx_purpose_in('admin');
end;
grant execute on function onyx.require_factor(boolean) to onyx_app;
